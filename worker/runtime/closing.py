"""All that follows a chunk's bytes: commit, the job's last steps, answers to whoever waits.

A crash between any two of them is repaired by whoever gets the message next: it finds the chunk committed and runs all
later steps (`haulier.jobs.finish` is idempotent, a token that was answered is dead, and dead tokens are no errors).
"""

from haulier.contracts.events import JobError
from haulier.contracts.report import ChunkReport
from haulier.jobs.calls import Call, drive_async
from haulier.jobs.finish import Ended, finish
from haulier.jobs.items import ChunkItem, JobItem, RunItem, key_of
from haulier.jobs.lease import Beat, Holding, commit
from haulier.jobs.verdicts import fail
from worker.clock import Clock
from worker.log import get_logger
from worker.ports import Perform, Tokens

_log = get_logger()


class Closing:
    """The last steps, over one thread's ports."""

    def __init__(self, *, table: str, bucket: str, perform: Perform, tokens: Tokens, clock: Clock) -> None:
        self._table = table
        self._bucket = bucket
        self._perform = perform
        self._tokens = tokens
        self._clock = clock

    async def commit(self, holding: Holding, report: ChunkReport) -> ChunkItem | Beat:
        """The commit point. See `haulier.jobs.lease.commit`."""
        steps = commit(self._table, holding, report, now_ms=self._clock.now_ms())
        return await drive_async(steps, self._perform)

    async def finish(self, run: RunItem) -> None:
        """Takes a job of one chunk to its end; others are finished by the assembler."""
        if run.plan is not None and run.plan.chunks != 1:
            return
        steps = finish(self._table, self._bucket, run.job_id, run.run, self._clock.now_ms())
        ended = await drive_async(steps, self._perform)
        if isinstance(ended, Ended):
            _log.info("job.finished", state=str(ended.state))

    async def succeed(self, *tokens: str | None) -> None:
        """Tells whoever waits that the chunk is done; each token once."""
        for token in dict.fromkeys(token for token in tokens if token):
            alive = await self._tokens.success(token)
            _log.info("token.answered" if alive else "token.dead", answer="success")

    async def fail_job(self, job: JobItem, error: JobError) -> None:
        """Makes the job FAILED. The letter lies in the dead-letter queue already."""
        state = await drive_async(fail(self._table, self._bucket, job, error, self._clock.now_ms()), self._perform)
        _log.warning("job.failed", job=job.job_id, run=job.run, state=str(state), code=error.code, reason=error.message)

    async def release_waiters(self, job_id: str, chunk_sk: str, token: str | None) -> None:
        """The job is over: lets go of whoever waits for the chunk, for this message or for a newer one."""
        await self.succeed(*await self._waiting(job_id, chunk_sk, token))

    async def fail_tokens(self, job_id: str, chunk_sk: str, token: str | None, error: JobError) -> None:
        """Tells whoever waits that the chunk will never be done: for this message, and for a newer one if there is."""
        for waiting in await self._waiting(job_id, chunk_sk, token):
            alive = await self._tokens.failure(waiting, error)
            _log.info("token.answered" if alive else "token.dead", answer="failure")

    async def _waiting(self, job_id: str, chunk_sk: str, token: str | None) -> list[str]:
        """The token the message brought, and the newest one, whose message may have been deleted."""
        answer = await self._perform(
            Call(
                "dynamodb",
                "get_item",
                {"TableName": self._table, "Key": key_of(job_id, chunk_sk), "ConsistentRead": True},
            )
        )
        # Read by itself: the rest of the item may be what the job fails for.
        newest = answer["Item"].get("token", {}).get("S") if answer.get("Item") else None
        return list(dict.fromkeys(one for one in (token, newest) if one))
