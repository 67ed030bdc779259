"""`layout: single`: a run that was cut into chunks is joined into one object before it is sealed. Pure.

The join is one more chunk of the run, the one after the last: number `plan.chunks`, round 0. So it is sent, claimed,
kept, committed and found again like any other. It is asked for when the chain is proven and the run judged, and works
on what the proven chunks committed: a report is written once, so the proof gives the same pieces whenever it is asked,
and nothing is redone once it holds. Two joiners write under names of their own, and one of them commits.

A run of one chunk has no join: its one attempt leaves one object (`worker.chunk.run`). Nor has one that wrote nothing.

CSV's header is written by chunk 0, at the start of its first output; by the join where chunk 0 wrote no record.
"""

from collections.abc import Sequence
from dataclasses import replace

from haulier.contracts.report import OutputObject
from haulier.jobs.items import ChunkItem, RunItem
from haulier.jobs.prove import Proven, ProvenChunk, Unfinished

JOIN_ROUND = 0


def join_index(run: RunItem) -> int | None:
    """The number the run's join goes by; None for a run that has none."""
    if run.pin.dataset.output.layout != "single" or run.plan is None or run.plan.chunks == 1:
        return None
    return run.plan.chunks


def pieces_of(proof: Proven) -> tuple[OutputObject, ...]:
    """The outputs of the proven chunks, in the order of the source."""
    return tuple(output for chunk in proof.chunks if chunk.report for output in chunk.report.outputs)


def header_is_written(proof: Proven) -> bool:
    """Whether the first piece begins with the header, where the format has one."""
    first = proof.chunks[0].report
    return first is not None and bool(first.outputs)


def published(run: RunItem, proof: Proven, items: Sequence[ChunkItem]) -> Proven | Unfinished:
    """What the manifest lists: the proven chunks as they are, or, of a run that is joined, with their counts only and
    one more entry after them that lists the joined object and counts nothing. Unfinished if the join is not committed.

    Args:
        run: the run.
        proof: of its chunks.
        items: every round of every chunk the table holds.
    """
    index = join_index(run)
    if index is None or not pieces_of(proof):
        return proof
    done = next((item.report for item in items if (item.chunk, item.round) == (index, JOIN_ROUND)), None)
    if done is None:
        return Unfinished(((index, JOIN_ROUND),))
    end = proof.chunks[-1].next
    return Proven((*map(_counted, proof.chunks), ProvenChunk(index, end, end, done)))


def _counted(chunk: ProvenChunk) -> ProvenChunk:
    return replace(chunk, report=chunk.report.model_copy(update={"outputs": ()})) if chunk.report else chunk
