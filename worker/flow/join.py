"""Joins objects of the output bucket into one: S3 copies what it can copy, the rest is fetched and merged (`parts`).

Every piece is pinned by its ETag, so nothing but what was committed gets in; the completion names the size it must come
to. Crash-only, like `upload`: an upload that a crash leaves open is aborted by the sweep.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from functools import partial
from typing import Any, TypeVar

from haulier.contracts.report import OutputObject
from haulier.contracts.source import Source
from worker.checksum import as_header, crc32
from worker.errors import NotPermitted, OutputTooLarge, PieceGone, SourceChanged, SourceForbidden, SourceGone
from worker.flow.fetch import Fetcher
from worker.flow.parts import Copied, JoinPart, Merged, Slice, TooManyParts, plan_parts
from worker.ports import Part, StoreParts, Target
from worker.progress import Progress, Step

COPIES = 16
"""Copies asked for at once: they cost the worker nothing, and S3 some seconds each."""
FETCHES = 8
"""Small pieces read at once; they all are of the one part that is merged at a time, so memory holds one such part."""

T = TypeVar("T")


class Join:
    """Makes one object of others. Used once, by one coroutine."""

    def __init__(self, *, store: StoreParts, fetcher: Fetcher, progress: Progress) -> None:
        self._store = store
        self._fetcher = fetcher
        self._progress = progress
        self._merging = asyncio.Semaphore(1)
        self._key = ""
        self._upload: str | None = None
        self._completing = False

    async def run(self, target: Target, pieces: Sequence[OutputObject], *, lead: bytes = b"") -> OutputObject:
        """The object that holds the lead and then every piece, in order.

        Args:
            target: what is to be written.
            pieces: at least one; they stay where they are.
            lead: bytes that come first.

        Raises:
            OutputTooLarge: S3 cannot hold it as one object.
            PieceGone: somebody deleted or overwrote a piece.
            Transient: the service did not do its part; another attempt may.
        """
        self._key = target.key
        parts = _planned(target.key, [piece.bytes for piece in pieces], len(lead))
        with self._progress.doing(Step.UPLOAD):
            self._upload = await self._store.create(target)
        makers = (
            partial(self._part, self._upload, number, part, pieces, lead) for number, part in enumerate(parts, start=1)
        )
        made = await _side_by_side(makers, COPIES)
        size = len(lead) + sum(piece.bytes for piece in pieces)
        self._completing = True
        with self._progress.doing(Step.COMPLETE):
            stored = await self._store.complete(target.key, self._upload, made, None, size=size)
        self._upload = None
        records = sum(piece.records for piece in pieces)
        return OutputObject(key=target.key, bytes=size, records=records, etag=stored.etag, crc64nvme=stored.crc64nvme)

    async def discard(self) -> None:
        """Deletes whatever there is of the joined object: the attempt will not commit it."""
        if self._upload is not None:
            await self._store.abort(self._key, self._upload)
        if self._completing:
            # A completion whose answer was lost may have happened.
            await self._store.delete(self._key)

    async def _part(
        self, upload: str, number: int, part: JoinPart, pieces: Sequence[OutputObject], lead: bytes
    ) -> Part:
        match part:
            case Copied(of):
                with _of_pieces(), self._progress.doing(Step.COPY):
                    return await self._store.copy_part(
                        self._key, upload, number, self._source(pieces[of.piece]), of.start, of.end
                    )
            case Merged(of, led):
                async with self._merging:
                    fetched = await _side_by_side((partial(self._read, pieces[one.piece], one) for one in of), FETCHES)
                    data = b"".join([lead, *fetched] if led else fetched)
                    with self._progress.doing(Step.UPLOAD):
                        return await self._store.put_part(self._key, upload, number, data, as_header(crc32(data)))

    async def _read(self, piece: OutputObject, of: Slice) -> bytes:
        with _of_pieces():
            stream = self._fetcher.stream(self._source(piece), of.start, of.end, self._progress)
            async with aclosing(stream):
                return b"".join([data async for data in stream])

    def _source(self, piece: OutputObject) -> Source:
        return Source(bucket=self._store.bucket, key=piece.key, size=piece.bytes, etag=piece.etag)


def _planned(key: str, sizes: Sequence[int], lead: int) -> list[JoinPart]:
    try:
        return plan_parts(sizes, lead=lead)
    except TooManyParts as error:
        raise OutputTooLarge(f"{key}: {error}; set the dataset's layout to chunks and retry the job") from error


@contextmanager
def _of_pieces() -> Iterator[None]:
    """What is said of a source, as it is true of a piece: only we write those, and no later try brings one back."""
    try:
        yield
    except (SourceGone, SourceChanged) as error:
        raise PieceGone(
            f"{error}: somebody deleted or overwrote it before it was joined, so nothing was published; "
            "retry the job, which writes everything anew"
        ) from error
    except SourceForbidden as error:
        raise NotPermitted(str(error)) from error


async def _side_by_side(makers: Iterable[Callable[[], Coroutine[Any, Any, T]]], most: int) -> list[T]:
    """Their results in order, at most so many under way at once. The first error ends them all."""
    flying: deque[asyncio.Task[T]] = deque()
    done: list[T] = []
    try:
        for make in makers:
            if len(flying) >= most:
                done.append(await flying.popleft())
            flying.append(asyncio.create_task(make()))
        while flying:
            done.append(await flying.popleft())
    finally:
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)
    return done
