"""One message, from receipt to settlement.

decode → claim → work (a task of its own, which the keeper or the drain may cancel) → commit → later steps → settle.
Nothing but the work is ever cancelled, so an acknowledgement cannot be lost to a stop.
"""

import asyncio

from structlog.contextvars import bound_contextvars

from haulier.contracts.errors import InvalidMessage, InvalidRecord, NewerMessage, NewerRecord
from haulier.contracts.events import JobError
from haulier.contracts.ids import new_attempt_id
from haulier.contracts.messages import ChunkMessage, decode_message
from haulier.contracts.reject import Stage
from haulier.contracts.report import ChunkReport
from haulier.jobs.calls import Refused as RefusedCall
from haulier.jobs.calls import drive_async
from haulier.jobs.claim import (
    AlreadyCommitted,
    Claim,
    Claimed,
    HeldElsewhere,
    HeldHere,
    JobOver,
    Spent,
    UnknownJob,
    UnusableRun,
    claim,
)
from haulier.jobs.items import chunk_sk
from haulier.jobs.lease import Beat, Holding
from worker.clock import Clock
from worker.errors import Hung, Permanent, Stalled, Transient, Unexpected, Unreachable, WorkerError
from worker.log import get_logger
from worker.outcome import (
    Finished,
    HeldByOther,
    Interrupted,
    Lost,
    Newer,
    Outcome,
    Refused,
    Unclaimed,
    Unreadable,
)
from worker.ports import Ports, Received, Work
from worker.progress import Progress, Step
from worker.runtime.closing import Closing
from worker.runtime.handback import HandBack, Terms, service_of
from worker.runtime.held import Held, Stop
from worker.runtime.keeper import Keeper
from worker.runtime.meter import Meter
from worker.runtime.settler import Settler

_log = get_logger()


class Handler:
    """Handles messages; one for the process, used by many coroutines."""

    def __init__(
        self, *, terms: Terms, ports: Ports, work: Work, closing: Closing, keeper: Keeper, meter: Meter, clock: Clock
    ) -> None:
        self._terms = terms
        self._ports = ports
        self._work = work
        self._closing = closing
        self._keeper = keeper
        self._clock = clock
        self._meter = meter
        self._hand_back = HandBack(terms, ports.perform, clock)
        self._settler = Settler(ports, closing, clock)

    def take(self, received: Received, received_at: float) -> Held:
        """Holds a message from the moment of its receipt (monotonic seconds)."""
        held = Held(received, Progress(self._clock.monotonic), received_at)
        self._keeper.take(held)
        return held

    async def handle(self, held: Held) -> Outcome:
        """Works on a message that is held, and settles it; whatever happens, it is not held any more then."""
        received = held.received
        with bound_contextvars(queue=received.queue, message=received.message_id, receives=received.receives):
            try:
                outcome = await self._outcome(held)
                await self._settler.settle(held, outcome)
            except Exception as error:  # noqa: BLE001 - the edge of one message, see below
                # The one place where anything is caught: a bug in one chunk must not take the others down.
                _log.exception("work.crashed", reason=str(error))
                outcome = await self._crashed(held, Unexpected(f"{type(error).__name__}: {error}"))
                await self._settler.settle(held, outcome)
            finally:
                self._keeper.forget(held)
            self._meter.settled(held, outcome)
        return outcome

    async def _outcome(self, held: Held) -> Outcome:
        try:
            message = decode_message(held.received.body)
        except InvalidMessage as error:
            return Unreadable(_error(error.code, str(error)))
        except NewerMessage as error:
            return Newer(_error(error.code, str(error)))
        if held.stop is Stop.INTERRUPTED:
            return Interrupted()
        attempt = new_attempt_id()
        with bound_contextvars(
            job=message.job_id, run=message.run, chunk=message.chunk, round=message.round, attempt=attempt
        ):
            return await self._attempt(held, message, attempt)

    async def _attempt(self, held: Held, message: ChunkMessage, attempt: str) -> Outcome:
        try:
            with held.progress.doing(Step.COMPLETE):
                claimed = await self._claim(held, message, attempt)
                if isinstance(claimed, AlreadyCommitted):
                    await self._closing.finish(claimed.run)
                    # The one this message brought, and a newer one whose message was deleted.
                    await self._closing.succeed(message.token, claimed.chunk.token)
                    return Finished("already committed")
                if isinstance(claimed, JobOver):
                    return await self._over(held, message)
        except RefusedCall as refused:
            return Unclaimed(_error("contended", str(refused)), held.received.receives)
        except NewerRecord as error:
            return Newer(_error(error.code, str(error)))
        except InvalidRecord as error:
            return Unreadable(_error(error.code, str(error)))
        except Transient as error:
            return Unclaimed(error.job_error, held.received.receives, service=service_of(error))
        if isinstance(claimed, Claimed):
            return await self._claimed(held, claimed, message, attempt)
        return _unclaimed(claimed, message)

    async def _claim(self, held: Held, message: ChunkMessage, attempt: str) -> Claim:
        terms, started = self._terms, self._clock.monotonic()
        steps = claim(
            terms.table,
            message,
            attempt=attempt,
            message_id=held.received.message_id,
            worker=terms.worker,
            now_ms=self._clock.now_ms(),
            lease_seconds=terms.lease_seconds,
            max_attempts=terms.max_attempts,
        )
        claimed = await drive_async(steps, self._ports.perform)
        if isinstance(claimed, Claimed):
            holding = Holding(message.job_id, message.run, message.chunk, message.round, attempt)
            held.leased(holding, claimed.chunk, started + terms.lease_seconds)
        return claimed

    async def _claimed(self, held: Held, claimed: Claimed, message: ChunkMessage, attempt: str) -> Outcome:
        """Work under a lease, and how it ended."""
        _log.info("chunk.claimed", source=claimed.run.pin.source.uri, attempts=claimed.chunk.attempts)
        holding = Holding(message.job_id, message.run, message.chunk, message.round, attempt)
        try:
            report = await self._run(held, claimed, attempt)
        except asyncio.CancelledError:
            return await self._stopped(held, holding, claimed, message)
        except Permanent as error:
            _log.warning("chunk.failed", code=error.code, stage=str(error.stage), reason=str(error))
            return Refused(claimed.job, error.job_error) if self._holds(held) else Lost()
        except Transient as error:
            return await self._hand_back.failed(held, holding, error)
        return await self._commit(held, holding, claimed, message, report)

    async def _run(self, held: Held, claimed: Claimed, attempt: str) -> ChunkReport:
        work = self._work(claimed, attempt=attempt, progress=held.progress, holds=lambda: self._holds(held))
        task = asyncio.ensure_future(work)
        held.working(task)
        try:
            return await task
        finally:
            held.worked()

    async def _commit(
        self, held: Held, holding: Holding, claimed: Claimed, message: ChunkMessage, report: ChunkReport
    ) -> Outcome:
        """The commit point, and all later steps. A crash anywhere in here is repaired by the message's return."""
        with held.progress.doing(Step.COMPLETE):
            try:
                chunk = await self._closing.commit(holding, report)
            except Transient as error:
                # It may have happened: giving up is refused then, and the message finds the chunk committed.
                return await self._hand_back.failed(held, holding, error)
            held.unleased()
            if isinstance(chunk, Beat):
                _log.warning("chunk.lost", found=str(chunk))
                return await self._over(held, message) if chunk is Beat.JOB_OVER else Lost()
            measured = held.measured
            measured.committed, measured.file_type = True, report.file_type
            measured.read, measured.input_bytes = report.read, report.input_bytes
            _log.info("chunk.committed", read=report.read, rejected=report.rejected, seconds=report.seconds)
            try:
                await self._closing.finish(claimed.run)
                await self._closing.succeed(message.token, chunk.token)
            except Transient as error:
                return Unclaimed(error.job_error, held.received.receives, service=service_of(error))
        return Finished("committed")

    async def _stopped(self, held: Held, holding: Holding, claimed: Claimed, message: ChunkMessage) -> Outcome:
        """The work was cancelled; by whom, `held.stop` says."""
        match held.stop:
            case Stop.INTERRUPTED:
                return await self._hand_back.interrupted(held, claimed, holding)
            case Stop.STALLED:
                return await self._hand_back.failed(held, holding, _stalled(held.stalled_in))
            case Stop.JOB_OVER:
                held.unleased()
                return await self._over(held, message)
            case Stop.EXPIRED:
                # No beat was answered in time: the table's failure, or this machine stood still. If nobody took the
                # chunk yet, no failure of it is counted.
                expired = Unreachable("the lease ran out since no heartbeat was answered", service="dynamodb")
                return await self._hand_back.failed(held, holding, expired)
            case Stop.LOST:
                held.unleased()
                return Lost()
            case None:
                raise asyncio.CancelledError

    async def _over(self, held: Held, message: ChunkMessage) -> Outcome:
        """Cancelled, failed or in another run: nobody is left waiting for the chunk, else its execution would hang."""
        sk = chunk_sk(message.run, message.chunk, message.round)
        try:
            await self._closing.release_waiters(message.job_id, sk, message.token)
        except Transient as error:
            return Unclaimed(error.job_error, held.received.receives, service=service_of(error))
        return Finished("job over")

    async def _crashed(self, held: Held, error: WorkerError) -> Outcome:
        if held.holding is None:
            return Unclaimed(error.job_error, held.received.receives)
        return await self._hand_back.failed(held, held.holding, error)

    def _holds(self, held: Held) -> bool:
        return held.holds(self._clock.monotonic())


def _error(code: str, message: str) -> JobError:
    return JobError(stage=Stage.COORDINATE, code=code, message=message)


def _stalled(step: Step | None) -> WorkerError:
    """Waiting for a service that says nothing is its failure; a step of our own that does not move is the chunk's."""
    if step is Step.PROCESS:
        return Stalled("the attempt made no progress within its stage's limit; another worker tries again")
    return Hung(f"nothing came of step {step} within its limit; another worker tries again", service="s3")


def _unclaimed(claimed: HeldHere | HeldElsewhere | Spent | UnusableRun | UnknownJob, message: ChunkMessage) -> Outcome:
    match claimed:
        case HeldHere(until_ms):
            return HeldByOther(until_ms)
        case HeldElsewhere():
            return Finished("held elsewhere")
        case Spent(job, attempts, failure):
            last = f"the last: {failure.code}: {failure.message}" if failure else "workers died of it or were killed"
            stage = failure.stage if failure else Stage.COORDINATE
            told = f"chunk {message.chunk} failed {attempts} times ({last}); `haulier retry {job.job_id}` starts again"
            return Refused(job, JobError(stage=stage, code="attempts_spent", message=told))
        case UnusableRun(job, reason):
            return Refused(job, _error("invalid_record", reason))
        case UnknownJob():
            told = f"the table knows no job {message.job_id} run {message.run}: its record expired, or it is not ours"
            return Unreadable(_error("unknown_job", told))
