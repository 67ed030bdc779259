"""The streams of records a chunk is made of: one, or, of a zip, one for each of its members.

A member is a stream of its own: its own header, type and dialect, found by its own name and first bytes; no record
spans two. Offsets count on: a member's first byte has as offset what all members before it expand to, in the order in
which they lie in the archive, as if they stood one after another.
"""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from haulier.contracts.dataset import ColumnType
from haulier.contracts.limits import MAX_READING_BYTES
from haulier.contracts.reject import Stage
from haulier.contracts.run import Reading
from haulier.jobs.claim import Claimed
from haulier.jobs.peek import compression_of
from haulier.jobs.refused import PeekError, refused_suffix
from worker.chunk.archive import directory_of, members
from worker.chunk.source import Bounds, Head, found, planned, reading_of
from worker.errors import Unsupported
from worker.flow.fetch import Fetcher
from worker.flow.forward import Forward
from worker.flow.front import Expander, Front
from worker.flow.pump import Span, read_span
from worker.flow.threads import Threads
from worker.progress import Progress
from worker.records.block import MemberPlace
from worker.records.cutting import read_from
from worker.records.decompress import Decompressor
from worker.records.expansion import Expansion
from worker.records.zip_directory import Member
from worker.records.zip_member import MemberStage


@dataclass(frozen=True, slots=True)
class Input:
    """One stream of records.

    Attributes:
        bounds: of its records.
        pieces: its stored bytes, for the front that will cut them; close them when done.
        expander: undoes their compression; None if there is none.
        skip: how many bytes to leave out first, once it is undone: header and BOM.
        looked: whether the attempt looked for itself how it is read.
        place: which member of a zip it is, if it is one.
    """

    bounds: Bounds
    pieces: Callable[[Front], AsyncGenerator[bytes, None]]
    expander: Expander | None
    skip: int
    looked: bool
    place: MemberPlace | None = None


class Inputs:
    """A chunk's inputs.

    Attributes:
        remarks: what was left out of a zip; known once the first input is.
    """

    def __init__(self, claimed: Claimed, *, fetcher: Fetcher, threads: Threads, progress: Progress) -> None:
        self.remarks: tuple[str, ...] = ()
        self._claimed = claimed
        self._fetcher, self._threads, self._progress = fetcher, threads, progress
        pin = claimed.run.pin
        self._source, self._dataset = pin.source, pin.dataset

    async def each(self) -> AsyncGenerator[Input, None]:
        """One after another: the next one is made when this one was read.

        Raises:
            Unsupported: it is nothing we can read, or not what its dataset says.
            InputBroken: it cannot be decompressed.
        """
        bounds = planned(self._claimed)
        if bounds is not None:
            at = read_from(bounds.reading, start=bounds.start, given=bounds.given)
            span = Span(self._source, at, bounds.end)
            yield Input(
                bounds, lambda front: read_span(self._fetcher, span, front, self._progress), None, 0, looked=False
            )
            return
        source = self._source
        head = Head(self._fetcher.stream(source, 0, source.size, self._progress), source.size)
        try:
            raw = await head.look()
            try:
                compression = compression_of(raw, key=source.key, dataset=self._dataset)
            except PeekError as error:
                raise Unsupported(str(error), code=error.code) from error
            if compression != "zip":
                yield self._whole(head, raw, Decompressor(compression, self._expansion()))
                return
            async with aclosing(self._members(head)) as inputs:
                async for one in inputs:
                    yield one
        finally:
            await head.close()

    def _expansion(self) -> Expansion:
        return Expansion.of(self._dataset.format, self._source.uri)

    def _whole(self, head: Head, raw: bytes, expander: Decompressor) -> Input:
        packed = expander.compression != "none"
        reading = reading_of(
            raw,
            complete=head.complete,
            key=self._source.key,
            compression=expander.compression,
            dataset=self._dataset,
            expander=Decompressor(expander.compression, self._expansion()) if packed else None,
        )
        bounds = found(reading, self._claimed)
        at = read_from(reading, start=bounds.start, given=bounds.given)
        return Input(bounds, lambda _: head.pieces(), expander if packed else None, at, looked=True)

    async def _members(self, head: Head) -> AsyncGenerator[Input, None]:
        source, expansion = self._source, self._expansion()
        directory = await directory_of(
            source, expansion, fetcher=self._fetcher, threads=self._threads, progress=self._progress
        )
        self.remarks = directory.remarks
        for member in directory.members:
            self._refuse_by_name(member)
        base = 0
        types: dict[str, ColumnType] = {}
        async with (
            aclosing(head.pieces()) as pieces,
            aclosing(members(Forward(pieces), directory, archive=source.uri)) as opened,
        ):
            async for member, stored in opened:
                one = await self._member(member, Head(stored, member.stored), expansion, base, types)
                # Inferred once for the run: the first member that shows a column says its type.
                types = self._agreed(types, one.bounds.reading)
                yield one
                base += member.size

    def _agreed(self, types: dict[str, ColumnType], reading: Reading) -> dict[str, ColumnType]:
        """All types so far; like one reading's, they lie in an item of at most 400 KB (DynamoDB)."""
        if not (reading.inferred or {}).keys() - types.keys():
            return types
        agreed = {**types, **(reading.inferred or {})}
        if len(json.dumps(agreed)) > MAX_READING_BYTES:
            raise Unsupported(
                f"{self._source.uri}: its members have {len(agreed):,} columns in all, too many to infer: list those "
                "you need in the dataset's schema",
                code="schema_too_wide",
            )
        return agreed

    def _refuse_by_name(self, member: Member) -> None:
        """Before anything is read: an archive with a member that cannot be read is told at once."""
        refused = refused_suffix(self._key_of(member)) if self._dataset.format.type == "auto" else None
        if refused is not None and not member.left_out:
            raise Unsupported(f"{refused}; make the zip without it", code="unsupported_type", stage=Stage.READ)

    def _key_of(self, member: Member) -> str:
        return f"{self._source.key}!/{member.shown}"

    async def _member(
        self, member: Member, head: Head, expansion: Expansion, base: int, types: Mapping[str, ColumnType]
    ) -> Input:
        reading = reading_of(
            await head.look(),
            complete=head.complete,
            key=self._key_of(member),
            compression="zip",
            dataset=self._dataset,
            expander=MemberStage(member, self._expansion()),
            earlier=types,
        )
        skip = reading.body_start
        reading = reading.model_copy(update={"body_start": base + skip})
        return Input(
            bounds=Bounds(reading, base, base + member.size, reading.body_start),
            pieces=lambda _: head.pieces(),
            expander=MemberStage(member, expansion),
            skip=skip,
            looked=True,
            place=MemberPlace(member.name, base),
        )
