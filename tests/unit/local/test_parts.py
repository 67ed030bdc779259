"""What the embedded stack is made of, without starting it."""

import asyncio
import configparser
import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from haulier.local import errors, lifecycle
from haulier.local.clone import node_directory, repository
from haulier.local.deployment import _filled_in, _wait
from haulier.local.emulator import emulator_environment, free_port
from haulier.local.gateway import RECEIVED_OVER_TLS, as_on_aws, behind_tls, tokens_of_machines
from haulier.local.home import HOME_VARIABLE, Home
from haulier.local.identity import aws_config
from haulier.local.processes import tail
from haulier.local.stack import StackInfo
from haulier.local.synthesis import LOCAL_SETTINGS, synthesis_environment
from infra.settings import Settings

SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_PROFILE": "prod",
    "AWS_SESSION_TOKEN": "real",
    "DOCKER_HOST": "tcp://x",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    return Home(tmp_path / "home")


def test_without_the_repository_the_hint_says_what_to_clone(tmp_path: Path):
    with pytest.raises(errors.NoRepository) as told:
        repository(tmp_path)
    assert "clone" in told.value.hint


def test_node_comes_with_a_wheel():
    assert os.access(node_directory() / "node", os.X_OK)


def test_the_emulator_listens_on_loopback_only_and_knows_nothing_of_the_user(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    given = emulator_environment(home, 4567)
    assert given["BIND_HOST"] == "127.0.0.1"
    assert given["AUTH"] == "true"
    assert not set(SECRETS.values()) & set(given.values())
    assert given["IOT_MTLS_ENABLED"] == given["SFTP_ENABLED"] == "0"
    assert given["DOCKER_HOST"].startswith(f"unix://{home.root}")


def test_synthesis_is_the_same_whatever_the_user_has_set(home: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HAULIER_PROFILE", "prod")
    monkeypatch.setenv("HAULIER_CHUNK_BYTES", "4096")
    monkeypatch.setenv("AWS_PROFILE", "prod")
    given = synthesis_environment(home, "local")
    assert "AWS_PROFILE" not in given
    assert {name: given[name] for name in LOCAL_SETTINGS} == LOCAL_SETTINGS
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.profile == "dev"
    assert settings.environment == "local"


def test_a_large_demo_file_becomes_at_least_eight_chunks(monkeypatch: pytest.MonkeyPatch):
    for name, value in LOCAL_SETTINGS.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    flights_bytes = 31_000_000
    assert flights_bytes > settings.chunk_threshold_bytes
    assert flights_bytes / settings.chunk_bytes > 8


def test_a_free_port_is_free():
    assert 1024 < free_port() < 65536


def test_the_front_marks_requests_as_received_over_tls_and_nothing_else():
    seen: list[dict[str, Any]] = []

    async def inner(scope: dict[str, Any], _receive: Any, _send: Any) -> None:
        seen.append(scope)

    async def both() -> None:
        front = behind_tls(inner)
        await front({"type": "http", "headers": [(b"host", b"x")]}, None, None)  # type: ignore[arg-type]
        await front({"type": "lifespan"}, None, None)  # type: ignore[arg-type]

    asyncio.run(both())
    assert seen == [{"type": "http", "headers": [(b"host", b"x"), RECEIVED_OVER_TLS]}, {"type": "lifespan"}]


def test_the_right_to_a_call_is_the_right_to_its_batch_as_on_aws():
    for asked, needed in {
        "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage": "sqs:DeleteMessage",
        "dynamodb:BatchGetItem": "dynamodb:BatchGetItem",
        None: None,
    }.items():
        assert as_on_aws(lambda *_request, asked=asked: asked)("sqs", "POST") == needed


def test_the_right_to_answer_a_token_is_on_its_state_machine_as_on_aws():
    chunks = {"stateMachineArn": "arn:chunks", "definition": "sqs:sendMessage.waitForTaskToken"}
    others = {"stateMachineArn": "arn:others", "definition": "{}"}

    def asked(operation: str, *machines: dict[str, str]) -> str:
        headers = {"x-amz-target": f"AWSStepFunctions.{operation}"}
        return tokens_of_machines(lambda *_request: "*", lambda: machines)("states", "POST", "/", headers, b"{}")

    assert asked("SendTaskSuccess", others, chunks) == "arn:chunks"
    assert asked("SendTaskHeartbeat", chunks, chunks) == "*"
    assert asked("ListStateMachines", chunks) == "*"


def test_a_client_is_given_everything_so_that_no_profile_leaks_in():
    info = StackInfo(
        endpoint_url="http://127.0.0.1:1", region="us-east-1", environment="local", account="000000000000", pid=1,
        directory="d", input_bucket="i", output_bucket="o",
    )  # fmt: skip
    given = info.client_environment()
    assert given["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert given["HAULIER_ENVIRONMENT"] == "local"
    assert (given["HAULIER_INPUT_BUCKET"], given["HAULIER_OUTPUT_BUCKET"]) == ("i", "o")
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_REGION"} <= set(given)
    assert StackInfo(**info.as_state()) == info


def test_workers_ask_for_their_keys_with_a_command():
    config = configparser.ConfigParser()
    config.read_string(aws_config("http://127.0.0.1:1", "arn:role"))
    command = shlex.split(config["default"]["credential_process"])
    assert command[1:] == ["-m", "haulier.local.credentials", "http://127.0.0.1:1", "arn:role"]


def test_asset_names_are_filled_in_as_cloudformation_would():
    assert _filled_in("cdk-x-assets-${AWS::AccountId}-${AWS::Region}") == "cdk-x-assets-000000000000-us-east-1"


def test_a_failed_stack_is_told_resource_by_resource():
    class FailedStack:
        def describe_stacks(self, **_: Any) -> dict[str, Any]:
            return {"Stacks": [{"StackStatus": "ROLLBACK_COMPLETE"}]}

        def describe_stack_events(self, **_: Any) -> dict[str, Any]:
            event = {"LogicalResourceId": "Jobs", "ResourceType": "AWS::DynamoDB::Table"}
            return {
                "StackEvents": [
                    {**event, "ResourceStatus": "DELETE_COMPLETE"},
                    {**event, "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "no key schema"},
                ]
            }

    with pytest.raises(errors.DeployFailed, match="ROLLBACK_COMPLETE") as told:
        _wait(FailedStack(), "haulier-local-data")
    assert told.value.hint == "Jobs (AWS::DynamoDB::Table): no key schema"


def test_the_end_of_a_log_is_shown(tmp_path: Path):
    log = tmp_path / "x.log"
    assert "does not exist" in tail(log)
    log.write_text("\n".join(str(n) for n in range(100)))
    assert tail(log, lines=2).splitlines()[1:] == ["98", "99"]


def test_nothing_is_up_where_nothing_was_started(home: Home):
    told: list[str] = []
    assert lifecycle.info() is None
    assert lifecycle.down(log=told.append) is False
    assert told == []
    assert not home.root.exists()


def test_what_a_dead_stack_left_is_removed_but_for_its_logs(home: Home):
    home.root.mkdir()
    home.prepare()
    home.write_state({"pid": 1})
    (home.logs / "supervisor.log").write_text("why")
    told: list[str] = []
    assert lifecycle.info(told.append) is None
    assert [path.name for path in home.root.iterdir()] == ["logs"]
    assert len(told) == 1
    assert str(home.logs) in told[0]
    assert lifecycle.info(told.append) is None
    assert len(told) == 1
    assert lifecycle.down(log=told.append) is False
    assert not home.root.exists()
