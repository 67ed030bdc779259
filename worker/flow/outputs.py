"""An attempt's objects: records in one or more outputs, rejects in one object of their own, neither if it is empty."""

from collections.abc import Callable
from typing import Protocol

from haulier.contracts.limits import MAX_PARTS
from haulier.contracts.report import OutputObject
from worker.flow.budget import Budget
from worker.flow.threads import Threads
from worker.flow.upload import Upload
from worker.ports import StoreParts, Target
from worker.progress import Progress
from worker.records.block import Processed


class Encoder(Protocol):
    """Columns to bytes, for one output object."""

    @property
    def suffix(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    def feed(self, processed: Processed) -> bytes: ...
    def finish(self) -> bytes: ...


class Naming(Protocol):
    """Where an attempt's objects lie."""

    def output(self, number: int, suffix: str, content_type: str) -> Target: ...
    def rejects(self) -> Target: ...


class Outputs:
    """Writes what is processed, in the order it is given."""

    def __init__(
        self,
        *,
        naming: Naming,
        encoder: Callable[[], Encoder],
        store: StoreParts,
        threads: Threads,
        progress: Progress,
        budget: Budget,
        max_parts: int = MAX_PARTS,
    ) -> None:
        self._naming = naming
        self._new_encoder = encoder
        self._threads = threads
        self._store = store
        self._progress = progress
        self._budget = budget
        self._max_parts = max_parts
        self._encoder: Encoder | None = None
        self._upload: Upload | None = None
        self._records = 0
        self._rejects: Upload | None = None
        self._rejected = 0
        self._uploads: list[Upload] = []
        self._finished: list[OutputObject] = []

    async def write(self, processed: Processed, size: int) -> None:
        """Takes one block's result; `size` is its input bytes, which decide whether a thread is worth it."""
        if processed.rejects:
            if self._rejects is None:
                self._rejects = self._track(self._naming.rejects())
            await self._rejects.write(processed.rejects)
            self._rejected += processed.tally.rejected
        if not processed.tally.written:
            return
        if self._encoder is None or self._upload is None:
            self._encoder = self._new_encoder()
            target = self._naming.output(len(self._finished), self._encoder.suffix, self._encoder.content_type)
            self._upload = self._track(target)
        data = await self._threads.run(size, self._encoder.feed, processed)
        self._records += processed.tally.written
        if data:
            await self._upload.write(data)
        if self._upload.full:
            await self.roll()

    async def finish(self) -> tuple[tuple[OutputObject, ...], OutputObject | None]:
        """The outputs in order, and the rejects' object if there are any."""
        await self.roll()
        rejects = await self._rejects.finish(self._rejected) if self._rejects is not None else None
        return tuple(self._finished), rejects

    async def close(self) -> None:
        for upload in self._uploads:
            await upload.close()

    async def discard(self) -> None:
        """Deletes everything the attempt wrote. Only its holder may, and only if nothing was committed."""
        for upload in self._uploads:
            await upload.discard()

    def _track(self, target: Target) -> Upload:
        upload = Upload(self._store, target, self._progress, self._budget, max_parts=self._max_parts)
        self._uploads.append(upload)
        return upload

    async def roll(self) -> None:
        """Ends the present output; the next record opens the next."""
        if self._encoder is None or self._upload is None:
            return
        data = await self._threads.run(self._upload.size, self._encoder.finish)
        if data:
            await self._upload.write(data)
        self._finished.append(await self._upload.finish(self._records))
        self._encoder, self._upload, self._records = None, None, 0
