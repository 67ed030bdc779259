"""ECS task protection, asked of ECS's agent beside the task: plain HTTP on a link-local address, no credentials.

The agent calls ECS under the task's role and waits up to some seconds itself, so its answer may take longer than most
(DESIGN §10: 5 s); this client waits longer still. Nothing else waits for it.

Answers, by the agent's source (amazon-ecs-agent, tmds/handlers/taskprotection/v1): 200 with `protection`, or 200 with
`failure` whose `Reason` is ECS's (`DEPLOYMENT_BLOCKED`, `TASK_NOT_VALID`, …; ECS Developer Guide, "API failure
reasons"), or 4xx and 5xx with `error` (504 where ECS did not answer the agent in time).
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from worker.ports import AgentReply

_PATH = "/task-protection/v1/state"
SECONDS = 8.0
_OK = 200


class EcsAgent:
    """A `ports.TaskAgent`."""

    def __init__(self, session: Any, uri: str) -> None:
        self._session = session
        self._url = uri.rstrip("/") + _PATH

    async def protect(self, *, enabled: bool, minutes: int | None) -> AgentReply:
        # The agent refuses fields it does not know.
        body: dict[str, Any] = {"ProtectionEnabled": enabled}
        if minutes is not None:
            body["ExpiresInMinutes"] = minutes
        try:
            async with self._session.put(self._url, json=body) as answer:
                return reply_of(answer.status, await answer.text())
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeDecodeError) as error:
            return AgentReply(trouble=f"{type(error).__name__}: {error}")


def reply_of(status: int, text: str) -> AgentReply:
    """What an answer means."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        return AgentReply(trouble=f"HTTP {status}: {text[:200]!r} is no answer of ECS's agent")
    if isinstance(failure := answer.get("failure"), dict):
        return AgentReply(failure=str(failure.get("Reason") or "unknown"))
    if status != _OK or "protection" not in answer:
        error = answer.get("error")
        told = f"{error.get('Code')}: {error.get('Message')}" if isinstance(error, dict) else text[:200]
        return AgentReply(trouble=f"HTTP {status}: {told}")
    return AgentReply()


@asynccontextmanager
async def open_agent(uri: str) -> AsyncIterator[EcsAgent | None]:
    """The agent at `ECS_AGENT_URI`; None where there is none, which is outside ECS."""
    if not uri:
        yield None
        return
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session:
        yield EcsAgent(session, uri)
