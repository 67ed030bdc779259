"""The proof that a parallel parse equals the sequential one.

Chunk 0 starts after the header, chunk i's `first` equals chunk i-1's `next`, the last `next` equals the object's size.
If the chain holds, every record was read exactly once from where the sequential parse would read it, by induction,
whatever the workers guessed. Every broken link is redone in the next round with its predecessor's `next` as the given
start. After a few rounds only the first broken link is redone, as a span that doubles round by round: its start is
proven, so each such round proves at least the span, and a job of 10,000 chunks needs at most 14 of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from haulier.contracts.limits import PARALLEL_ROUNDS
from haulier.contracts.report import ChunkReport
from haulier.contracts.run import Plan
from haulier.jobs.items import ChunkItem
from haulier.jobs.planning import chunk_range


@dataclass(frozen=True, slots=True)
class ProvenChunk:
    """A chunk's place in the chain. `report` is None if it owns no record: no line starts in it, or an earlier
    chunk's span covers it. Whatever an attempt wrote for such a chunk is not listed.
    """

    chunk: int
    first: int
    next: int
    report: ChunkReport | None


@dataclass(frozen=True, slots=True)
class Redo:
    """A chunk to be parsed again.

    Attributes:
        chunk: its index.
        round: the round it is to be parsed in.
        given: where its first record starts.
        end: where its span ends, in bytes.
        failures: of the chunk in its rounds before: one count, whatever the rounds.
    """

    chunk: int
    round: int
    given: int
    end: int
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Proven:
    """The chain holds."""

    chunks: tuple[ProvenChunk, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """The chain does not hold until these are redone."""

    redos: tuple[Redo, ...]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """These chunks (index, round) have no commit yet."""

    missing: tuple[tuple[int, int], ...]


Proof = Proven | Broken | Unfinished


def prove(plan: Plan, items: Iterable[ChunkItem]) -> Proof:
    """Checks the chain over each chunk's newest round.

    Args:
        plan: of the run.
        items: every round of every chunk the table holds, in any order.
    """
    newest: dict[int, ChunkItem] = {}
    for item in items:
        if item.chunk not in newest or item.round > newest[item.chunk].round:
            newest[item.chunk] = item
    missing = [
        (chunk, newest[chunk].round if chunk in newest else 0)
        for chunk in range(plan.chunks)
        if chunk not in newest or newest[chunk].report is None
    ]
    if missing:
        return Unfinished(tuple(missing))
    if plan.reading is None or not plan.reading.splittable:
        return _one_stream(newest[0])
    return _chain(plan, [newest[chunk] for chunk in range(plan.chunks)])


def _one_stream(item: ChunkItem) -> Proof:
    """A stream that cannot be cut has no link to prove: it was read to its end or it was not committed."""
    report = item.report
    if report is None:
        return Unfinished(((item.chunk, item.round),))
    end = report.next if report.next is not None else report.input_bytes
    return Proven((ProvenChunk(item.chunk, report.first, end, report),))


def _chain(plan: Plan, items: list[ChunkItem]) -> Proof:
    chunks: list[ProvenChunk] = []
    broken: list[tuple[int, int]] = []
    position = plan.reading.body_start if plan.reading else 0
    for item in items:
        report = item.report
        end = max(chunk_range(plan, item.chunk)[1], item.end or 0)
        if position >= end:
            chunks.append(ProvenChunk(item.chunk, position, position, None))
            continue
        if report is None or report.first != position:
            broken.append((item.chunk, position))
        if report is None or report.next is None:
            if (item.chunk, position) not in broken:
                broken.append((item.chunk, position))
            # Nobody knows where the next record starts; what follows is looked at when this link is known.
            break
        chunks.append(ProvenChunk(item.chunk, position, report.next, report))
        position = report.next
    if not broken and position != plan.size:
        broken.append((items[-1].chunk, chunks[-1].first))
    if not broken:
        return Proven(tuple(chunks))
    return Broken(_redos(plan, items, broken))


def _redos(plan: Plan, items: list[ChunkItem], broken: list[tuple[int, int]]) -> tuple[Redo, ...]:
    # A redo takes the number of the pass it belongs to, so the highest round counts the passes there were.
    rounds = max(item.round for item in items)
    first, given = broken[0]
    unknown = items[first].report is None or items[first].report.next is None  # type: ignore[union-attr]
    if rounds < PARALLEL_ROUNDS and not unknown:
        return tuple(
            Redo(at, rounds + 1, start, chunk_range(plan, at)[1], _failures(items[at])) for at, start in broken
        )
    # A record longer than the reader's limit needs a span that reaches past it, hence the doubling from the start.
    span = 2 ** max(rounds - PARALLEL_ROUNDS + 1, 1)
    already = items[first].end
    if already is not None and already > chunk_range(plan, first)[1]:
        span = max(span, 2 * ((already - chunk_range(plan, first)[0]) // plan.chunk_bytes))
    last = min(max(first + span - 1, *(at for at, _ in broken)), plan.chunks - 1)
    return (Redo(first, rounds + 1, given, chunk_range(plan, last)[1], _failures(items[first])),)


def _failures(item: ChunkItem) -> int:
    """Of the round, and of those before it, whose count it began with; the attempt that was committed is none."""
    return max(item.attempts - (item.report is not None), 0)
