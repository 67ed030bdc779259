"""One claimed chunk, read, processed and written; what it reports is not committed yet.

The order of what can fail, for each of the chunk's inputs: bounds (plan or peek) → dataset against columns → pump; then
objects completed. On any error the attempt's objects are deleted as far as possible while its lease is held; else they
are left to the sweep.
"""

from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager

from haulier.contracts.reject import Stage
from haulier.contracts.report import ChunkReport, OutputObject
from haulier.contracts.run import Reading
from haulier.jobs.claim import Claimed
from haulier.jobs.infer import with_inferred
from worker.chunk.form import Form
from worker.chunk.inputs import Input, Inputs
from worker.chunk.naming import AttemptNaming
from worker.chunk.single import join_and_delete, joins_at_once
from worker.chunk.source import Bounds
from worker.chunk.together import NOTHING_READ, together
from worker.clock import Clock
from worker.errors import DatasetUnusable, Unsupported, WorkerError
from worker.flow.budget import Budget
from worker.flow.fetch import Fetcher
from worker.flow.front import Front
from worker.flow.join import Join
from worker.flow.outputs import Outputs
from worker.flow.pump import Pump
from worker.flow.threads import Threads
from worker.log import get_logger
from worker.ports import StoreParts
from worker.progress import Progress
from worker.records.block import Cutter, MemberPlace, Tally
from worker.records.cutting import cutter_for
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
            inputs = Inputs(claimed, fetcher=self._fetcher, threads=self._threads, progress=progress)
            form = Form(claimed)
            outputs = self._outputs(claimed, attempt, form, progress)
            try:
                report: ChunkReport | None = None
                async with aclosing(inputs.each()) as each:
                    async for one in each:
                        report = together(report, await self._read(one, claimed, form, outputs, progress))
                written, rejects = await outputs.finish()
                if joins_at_once(claimed, written):
                    written = await self._as_one(claimed, attempt, written, progress, holds)
            except Exception:
                await self._clean(outputs, holds)
                raise
            finally:
                # Parts in flight end here, with or without the objects they belong to.
                await outputs.close()
        seconds = round(self._clock.monotonic() - started, 3)
        report = report or NOTHING_READ
        told = {"outputs": written, "rejects": rejects, "seconds": seconds, "remarks": inputs.remarks + report.remarks}
        return report.model_copy(update=told)

    async def _read(
        self, one: Input, claimed: Claimed, form: Form, outputs: Outputs, progress: Progress
    ) -> ChunkReport:
        """Reads one input to its end, or to where the chunk's last record ends."""
        processor = await self._threads.parse(processor_of, one.bounds.reading, claimed, one.place)
        if form.turns(processor, one.place):
            await outputs.roll()
        cutter = _cutter(one.bounds, processor)
        front = Front(cutter, one.expander, skip=one.skip)
        pump = Pump(
            front=front,
            process=processor.process,
            outputs=outputs,
            threads=self._threads,
            progress=progress,
            budget=self._budget,
        )
        async with aclosing(one.pieces(front)) as pieces:
            tally, size = await pump.run(pieces)
        report = _report(one.bounds, cutter, tally, size, found=one.looked)
        return report.model_copy(update={"profile": processor.profile()})

    def _outputs(self, claimed: Claimed, attempt: str, form: Form, progress: Progress) -> Outputs:
        return Outputs(
            naming=AttemptNaming(claimed, attempt),
            encoder=form.encoder,
            store=self._store,
            threads=self._threads,
            progress=progress,
            budget=self._budget,
        )

    async def _as_one(
        self,
        claimed: Claimed,
        attempt: str,
        written: tuple[OutputObject, ...],
        progress: Progress,
        holds: Callable[[], bool],
    ) -> tuple[OutputObject, ...]:
        encoder = Encoder(claimed.run.pin.dataset.output)
        target = AttemptNaming(claimed, attempt).output(len(written), encoder.suffix, encoder.content_type)
        join = Join(store=self._store, fetcher=self._fetcher, progress=progress)
        return await join_and_delete(join, self._store, target, written, holds)

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


def processor_of(reading: Reading, claimed: Claimed, place: MemberPlace | None = None) -> BlockProcessor:
    """What is done to the records of the run a chunk is of."""
    pin = claimed.run.pin
    source = pin.source.uri if place is None else f"{pin.source.uri}!/{place.member}"
    facts = Facts(job_id=claimed.run.job_id, source=source, accepted_at_ms=pin.accepted_at_ms, place=place)
    dataset = with_inferred(pin.dataset, reading)
    return BlockProcessor(reading=reading, dataset=dataset, facts=facts)


def _report(bounds: Bounds, cutter: Cutter, tally: Tally, size: int, *, found: bool) -> ChunkReport:
    """What the chunk came to; its objects are added when they are complete.

    Args:
        bounds: of the chunk.
        cutter: when it is done.
        tally: the chunk's counts.
        size: bytes of its blocks.
        found: whether the attempt found the reading itself: then nobody else can say what was inferred.
    """
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
        inferred=bounds.reading.inferred if found else None,
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
