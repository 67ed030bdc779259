"""One claimed chunk, read, processed and written; what it reports is not committed yet.

The order of what can fail: bounds (plan or peek) → dataset against columns → pump → objects completed. On any error
the attempt's objects are deleted as far as possible while its lease is held; else they are left to the sweep.
"""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager

from haulier.contracts.reject import Stage
from haulier.contracts.report import ChunkReport
from haulier.jobs.claim import Claimed
from worker.chunk.naming import AttemptNaming
from worker.chunk.source import Bounds, Head, found, planned
from worker.clock import Clock
from worker.errors import DatasetUnusable, Unsupported, WorkerError
from worker.flow.budget import Budget
from worker.flow.fetch import Fetcher
from worker.flow.front import Front
from worker.flow.outputs import Outputs
from worker.flow.pump import Pump, Span, read_span
from worker.flow.threads import Threads
from worker.log import get_logger
from worker.ports import StoreParts
from worker.progress import Progress
from worker.records.block import Cutter, Tally
from worker.records.cutting import cutter_for, read_from
from worker.records.decompress import Decompressor
from worker.records.enrich import Facts
from worker.records.errors import InputBroken, RecordsError
from worker.records.output import Encoder
from worker.records.pipeline import BlockProcessor

_log = get_logger()


class RecordsWork:
    """The `records` operation; a `ports.Work`."""

    def __init__(self, *, fetcher: Fetcher, store: StoreParts, threads: Threads, budget: Budget, clock: Clock) -> None:
        self._fetcher = fetcher
        self._store = store
        self._threads = threads
        self._budget = budget
        self._clock = clock

    async def __call__(
        self, claimed: Claimed, *, attempt: str, progress: Progress, holds: Callable[[], bool]
    ) -> ChunkReport:
        """See `ports.Work`."""
        started = self._clock.monotonic()
        with _ours():
            async with AsyncExitStack() as stack:
                bounds, head = await self._bounds(claimed, progress, stack)
                processor = await self._threads.parse(_processor, bounds, claimed)
                outputs = self._outputs(claimed, attempt, processor, progress)
                cutter = _cutter(bounds, processor)
                front, pieces = self._front(bounds, cutter, head, claimed, progress)
                pump = Pump(
                    front=front,
                    process=processor.process,
                    outputs=outputs,
                    threads=self._threads,
                    progress=progress,
                    budget=self._budget,
                )
                try:
                    tally, size = await pump.run(await stack.enter_async_context(aclosing(pieces)))
                    report = _report(bounds, cutter, tally, size)
                    written, rejects = await outputs.finish()
                except Exception:
                    await self._clean(outputs, holds)
                    raise
                finally:
                    # Parts in flight end here, with or without the objects they belong to.
                    await outputs.close()
        seconds = round(self._clock.monotonic() - started, 3)
        return report.model_copy(update={"outputs": written, "rejects": rejects, "seconds": seconds})

    async def _bounds(self, claimed: Claimed, progress: Progress, stack: AsyncExitStack) -> tuple[Bounds, Head | None]:
        bounds = planned(claimed)
        if bounds is not None:
            return bounds, None
        head = Head(self._fetcher, claimed, progress)
        stack.push_async_callback(head.close)
        return found(await head.look(), claimed), head

    def _front(
        self, bounds: Bounds, cutter: Cutter, head: Head | None, claimed: Claimed, progress: Progress
    ) -> tuple[Front, AsyncGenerator[bytes, None]]:
        """The bytes, and what cuts them: a head's stream starts at the object's first byte, a planned one where the
        cutter wants it.
        """
        source, compression = claimed.run.pin.source, bounds.reading.compression
        at = read_from(bounds.reading, start=bounds.start, given=bounds.given)
        decompressor = Decompressor(compression, name=source.uri) if compression != "none" else None
        front = Front(cutter, decompressor, skip=at if head is not None else 0)
        if head is not None:
            return front, head.pieces()
        return front, read_span(self._fetcher, Span(source, at, bounds.end), front, progress)

    def _outputs(self, claimed: Claimed, attempt: str, processor: BlockProcessor, progress: Progress) -> Outputs:
        output = claimed.run.pin.dataset.output
        return Outputs(
            naming=AttemptNaming(claimed, attempt),
            encoder=lambda: Encoder(output, header=processor.header, schema=processor.schema),
            store=self._store,
            threads=self._threads,
            progress=progress,
            budget=self._budget,
        )

    async def _clean(self, outputs: Outputs, holds: Callable[[], bool]) -> None:
        """Best effort: what cannot be deleted now is swept before `_SUCCESS`, or by the janitor."""
        if not holds():
            return
        try:
            await outputs.discard()
        except WorkerError as error:
            _log.warning("output.left", reason=str(error))


def _cutter(bounds: Bounds, processor: BlockProcessor) -> Cutter:
    return cutter_for(
        bounds.reading,
        start=bounds.start,
        end=bounds.end if bounds.reading.splittable else None,
        given=bounds.given,
        max_record_bytes=processor.max_record_bytes,
    )


def _processor(bounds: Bounds, claimed: Claimed) -> BlockProcessor:
    pin = claimed.run.pin
    facts = Facts(job_id=claimed.run.job_id, source=pin.source.uri, accepted_at_ms=pin.accepted_at_ms)
    return BlockProcessor(reading=bounds.reading, dataset=pin.dataset, facts=facts)


def _report(bounds: Bounds, cutter: Cutter, tally: Tally, size: int) -> ChunkReport:
    """What the chunk came to; its objects are added when they are complete."""
    first = cutter.first if cutter.first is not None else bounds.start
    return ChunkReport(
        first=first,
        next=cutter.next,
        read=tally.read,
        written=tally.written,
        rejected=tally.rejected,
        filtered=tally.filtered,
        reject_codes=tally.reject_codes,
        input_bytes=cutter.next - first if cutter.next is not None else size,
        file_type=bounds.reading.type,
        remarks=bounds.reading.remarks,
    )


@contextmanager
def _ours() -> Iterator[None]:
    """The pure half's errors, as what becomes of the job."""
    try:
        yield
    except InputBroken as error:
        raise Unsupported(str(error), code=error.code, stage=Stage.READ) from error
    except RecordsError as error:
        raise DatasetUnusable(str(error), code=error.code) from error
