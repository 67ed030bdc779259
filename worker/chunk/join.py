"""A run's join (`haulier.jobs.join`): what its proven chunks committed, made one object under a lease of its own.

It works on nothing but the table's proof, looked at again here. What is joined stays where it is until the manifest
lists the one object; then it is swept like any stray. Killed anywhere, it is begun anew under another name.
"""

from collections.abc import Callable

from haulier.contracts.report import ChunkReport
from haulier.jobs.calls import drive_async
from haulier.jobs.claim import Claimed
from haulier.jobs.join import header_is_written, join_index, pieces_of
from haulier.jobs.prove import Proven, prove
from haulier.jobs.writes import get_chunks
from worker.chunk.naming import AttemptNaming
from worker.chunk.run import processor_of
from worker.chunk.single import join_or_discard
from worker.clock import Clock
from worker.errors import Unexpected
from worker.flow.fetch import Fetcher
from worker.flow.join import Join
from worker.flow.threads import Threads
from worker.ports import Perform, StoreParts, Work
from worker.progress import Progress, Step
from worker.records.output import Encoder


class JoinWork:
    """A `ports.Work` for joins."""

    def __init__(
        self, *, table: str, perform: Perform, fetcher: Fetcher, store: StoreParts, threads: Threads, clock: Clock
    ) -> None:
        self._table = table
        self._perform = perform
        self._fetcher = fetcher
        self._store = store
        self._threads = threads
        self._clock = clock

    async def __call__(
        self, claimed: Claimed, *, attempt: str, progress: Progress, holds: Callable[[], bool]
    ) -> ChunkReport:
        """See `ports.Work`."""
        started = self._clock.monotonic()
        with progress.doing(Step.COMPLETE):
            proof = await self._proof(claimed)
        encoder = await self._encoder(claimed, proof)
        target = AttemptNaming(claimed, attempt).output(0, encoder.suffix, encoder.content_type)
        join = Join(store=self._store, fetcher=self._fetcher, progress=progress)
        joined = await join_or_discard(join, target, pieces_of(proof), holds, lead=encoder.finish())
        end = proof.chunks[-1].next
        return ChunkReport(
            first=end,
            next=end,
            read=0,
            written=0,
            rejected=0,
            filtered=0,
            input_bytes=0,
            outputs=(joined,),
            seconds=round(self._clock.monotonic() - started, 3),
        )

    async def _proof(self, claimed: Claimed) -> Proven:
        run = claimed.run
        items = await drive_async(get_chunks(self._table, run.job_id, run.run), self._perform)
        proof = prove(run.plan, items) if run.plan else None
        if not isinstance(proof, Proven) or not pieces_of(proof):
            raise Unexpected(f"the join of job {run.job_id} run {run.run} was asked for before its chunks are proven")
        return proof

    async def _encoder(self, claimed: Claimed, proof: Proven) -> Encoder:
        """What names the output, with the header if no piece begins with it."""
        output, plan = claimed.run.pin.dataset.output, claimed.run.plan
        if output.format != "csv" or header_is_written(proof) or plan is None or plan.reading is None:
            return Encoder(output)
        processor = await self._threads.parse(processor_of, plan.reading, claimed)
        return Encoder(output, header=processor.header)


class RecordsOrJoin:
    """A `ports.Work`: the join's for a run's last piece of work, the records' for its chunks."""

    def __init__(self, *, records: Work, join: Work) -> None:
        self._records = records
        self._join = join

    async def __call__(
        self, claimed: Claimed, *, attempt: str, progress: Progress, holds: Callable[[], bool]
    ) -> ChunkReport:
        """See `ports.Work`."""
        work = self._join if claimed.chunk.chunk == join_index(claimed.run) else self._records
        return await work(claimed, attempt=attempt, progress=progress, holds=holds)
