"""Step Functions task tokens."""

from typing import Any

from botocore.exceptions import ClientError

from haulier.contracts.events import JobError
from worker.aws.faults import code_of, told

_DEAD = frozenset({"TaskDoesNotExist", "TaskTimedOut", "InvalidToken"})
"""Answered before, timed out, or of an execution that is gone: nobody waits, so there is nothing to do."""
_ERROR_CHARS = 256
_CAUSE_CHARS = 32_768
"""Step Functions API reference, SendTaskFailure."""


class TaskTokens:
    """A `ports.Tokens`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def success(self, token: str) -> bool:
        return await self._send("SendTaskSuccess", self._client.send_task_success, taskToken=token, output="{}")

    async def failure(self, token: str, error: JobError) -> bool:
        return await self._send(
            "SendTaskFailure",
            self._client.send_task_failure,
            taskToken=token,
            error=error.code[:_ERROR_CHARS],
            cause=error.message[:_CAUSE_CHARS],
        )

    async def heartbeat(self, token: str) -> bool:
        return await self._send("SendTaskHeartbeat", self._client.send_task_heartbeat, taskToken=token)

    async def _send(self, what: str, method: Any, **params: Any) -> bool:
        async with told(what, service="stepfunctions"):
            try:
                await method(**params)
            except ClientError as error:
                if code_of(error) in _DEAD:
                    return False
                raise
        return True
