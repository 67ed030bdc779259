"""ECS's agent, by the shapes its source gives (amazon-ecs-agent, tmds/handlers/taskprotection/v1)."""

import json

import aiohttp
import pytest

from worker.aws.protection import SECONDS, EcsAgent, open_agent, reply_of
from worker.ports import AgentReply

ARN = "arn:aws:ecs:eu-west-1:111122223333:task/haulier/abc"


class Answer:
    def __init__(self, status: int, body: str) -> None:
        self.status = status
        self._body = body

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        return None

    async def text(self) -> str:
        return self._body


class Session:
    def __init__(self, answer: Answer | Exception) -> None:
        self._answer = answer
        self.asked: list[tuple[str, dict]] = []

    def put(self, url: str, *, json: dict) -> Answer:
        self.asked.append((url, json))
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(
    ("status", "body", "reply"),
    [
        (200, {"protection": {"ExpirationDate": "x", "ProtectionEnabled": True, "TaskArn": ARN}}, AgentReply()),
        (
            200,
            {"failure": {"Arn": ARN, "Detail": None, "Reason": "DEPLOYMENT_BLOCKED"}},
            AgentReply(failure="DEPLOYMENT_BLOCKED"),
        ),
        (
            400,
            {"failure": {"Arn": ARN, "Detail": None, "Reason": "TASK_NOT_VALID"}},
            AgentReply(failure="TASK_NOT_VALID"),
        ),
        (
            504,
            {"error": {"Arn": ARN, "Code": "RequestCanceled", "Message": "Timed out"}},
            AgentReply(trouble="HTTP 504: RequestCanceled: Timed out"),
        ),
        (
            403,
            {"requestID": "1", "error": {"Code": "AccessDeniedException", "Message": "no"}},
            AgentReply(trouble="HTTP 403: AccessDeniedException: no"),
        ),
        (200, [], AgentReply(trouble="HTTP 200: '[]' is no answer of ECS's agent")),
        (200, {"failure": {}}, AgentReply(failure="unknown")),
    ],
)
def test_an_answer_means_what_the_agents_source_says(status, body, reply):
    assert reply_of(status, json.dumps(body)) == reply


def test_an_answer_that_is_no_json_is_trouble():
    assert reply_of(502, "<html>").trouble is not None


async def test_protection_is_asked_for_with_the_fields_the_agent_takes():
    session = Session(Answer(200, '{"protection": {}}'))
    agent = EcsAgent(session, "http://169.254.170.2/api/abc/")
    assert await agent.protect(enabled=True, minutes=10) == AgentReply()
    assert await agent.protect(enabled=False, minutes=None) == AgentReply()
    url = "http://169.254.170.2/api/abc/task-protection/v1/state"
    assert session.asked == [
        (url, {"ProtectionEnabled": True, "ExpiresInMinutes": 10}),
        (url, {"ProtectionEnabled": False}),
    ]


@pytest.mark.parametrize(
    "error", [TimeoutError(), aiohttp.ClientConnectionError("refused"), aiohttp.ServerTimeoutError(), OSError("no")]
)
async def test_nothing_is_raised_when_the_agent_does_not_answer(error):
    reply = await EcsAgent(Session(error), "http://x").protect(enabled=True, minutes=1)
    assert reply.trouble is not None
    assert type(error).__name__ in reply.trouble


async def test_there_is_no_agent_outside_ecs():
    async with open_agent("") as agent:
        assert agent is None


async def test_the_client_waits_longer_than_the_agent_itself():
    assert SECONDS > 5
    async with open_agent("http://169.254.170.2/api/abc") as agent:
        assert agent is not None
        assert agent._session.timeout.total == SECONDS
