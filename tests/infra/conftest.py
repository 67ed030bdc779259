"""The app is synthesised once for each profile: the CDK library takes seconds to start."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from haulier.contracts.environment import PREFIX
from haulier.local.clone import node_directory
from infra.settings import Settings

Template = dict[str, Any]


class Stacks:
    """The templates of one profile, with questions tests ask of them."""

    def __init__(self, outdir: Path, app: Any = None) -> None:
        self.outdir = outdir
        self.app = app
        self.data: Template = json.loads((outdir / "Data.template.json").read_text())
        self.pipeline: Template = json.loads((outdir / "Pipeline.template.json").read_text())

    def of_type(self, kind: str) -> dict[str, Template]:
        """Logical id → resource, in both stacks."""
        both = {**self.data["Resources"], **self.pipeline["Resources"]}
        return {name: resource for name, resource in both.items() if resource["Type"] == kind}

    def named(self, kind: str, attribute: str, value: Any) -> Template:
        """Properties of the one resource of that kind with that name."""
        found = [r["Properties"] for r in self.of_type(kind).values() if r["Properties"].get(attribute) == value]
        assert len(found) == 1, f"{len(found)} of {kind} with {attribute} = {value}"
        return found[0]

    def function(self, name: str) -> Template:
        return self.named("AWS::Lambda::Function", "FunctionName", f"haulier-test-{name}")

    def queue(self, name: str) -> Template:
        return self.named("AWS::SQS::Queue", "QueueName", f"haulier-test-{name}")

    def statements(self, role: str) -> list[Template]:
        """What the role with that logical id (or a part of it) may do."""
        found: list[Template] = []
        for policy in self.of_type("AWS::IAM::Policy").values():
            if any(role in reference.get("Ref", "") for reference in policy["Properties"]["Roles"]):
                found += policy["Properties"]["PolicyDocument"]["Statement"]
        assert found, f"no policy of a role like {role}"
        return found


def listed(value: Any) -> list[Any]:
    """IAM writes one thing without a list around it."""
    return value if isinstance(value, list) else [value]


@contextmanager
def unset() -> Iterator[None]:
    """Without the settings of whoever runs the tests: docs/deploying.md has people export theirs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    with patch.dict(os.environ, kept, clear=True):
        yield


def synthesise(directory: Path, **settings: Any) -> Stacks:
    from infra.app import build

    code = directory / "code"
    code.mkdir()
    (code / "handler.py").write_text("")
    with unset():
        chosen = Settings(environment="test", **settings)
    app = build(chosen, code=code, outdir=directory / "out")
    app.synth()
    return Stacks(directory / "out", app)


@pytest.fixture(autouse=True)
def _nothing_set() -> Iterator[None]:
    with unset():
        yield


@pytest.fixture(scope="session", autouse=True)
def _node() -> Iterator[None]:
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{node_directory()}{os.pathsep}{before}"
    os.environ["JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION"] = "1"
    yield
    os.environ["PATH"] = before


PROFILES: dict[str, dict[str, Any]] = {
    "prod": {},
    "dev": {
        "profile": "dev",
        "lambda_platform": "host",
        "input_prefixes": "raw/,incoming/",
        "alarm_metric_math": False,
    },
}
PROFILES["full"] = {
    "kms_key_arn": "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "topics_kms_key_arn": "arn:aws:kms:us-east-1:000000000000:key/topics",
    "lambda_subnet_ids": "subnet-0123456789abcdef0",
    "lambda_security_group_ids": "sg-0123456789abcdef0",
    "bus_principals": "arn:aws:iam::000000000000:role/caller,222233334444",
    "deploy_repository": "acme/haulier",
    "role_path": "/haulier/",
    "permissions_boundary": "bounds",
    "alert_emails": "ops@example.com",
    "machine_log_level": "ALL",
}
"""With everything that changes who may do what."""
_MADE: dict[str, Stacks] = {}


def shipped(profile: str, directories: pytest.TempPathFactory) -> Stacks:
    """The app of a profile: made once, for the tests here and those in tests/iam."""
    if profile not in _MADE:
        _MADE[profile] = synthesise(directories.mktemp(profile), **PROFILES[profile])
    return _MADE[profile]


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    return shipped("prod", tmp_path_factory)


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    return shipped("dev", tmp_path_factory)
