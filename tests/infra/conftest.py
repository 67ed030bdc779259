"""The app is synthesised once for each profile: the CDK library takes seconds to start."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from haulier.local.clone import node_directory
from infra.settings import Settings

Template = dict[str, Any]


class Stacks:
    """The templates of one profile, with questions tests ask of them."""

    def __init__(self, outdir: Path) -> None:
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


def synthesise(directory: Path, **settings: Any) -> Stacks:
    from infra.app import build

    code = directory / "code"
    code.mkdir()
    (code / "handler.py").write_text("")
    build(Settings(environment="test", **settings), code=code, outdir=directory / "out").synth()
    return Stacks(directory / "out")


@pytest.fixture(scope="session", autouse=True)
def _node() -> Iterator[None]:
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{node_directory()}{os.pathsep}{before}"
    os.environ["JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION"] = "1"
    yield
    os.environ["PATH"] = before


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    return synthesise(tmp_path_factory.mktemp("prod"))


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    return synthesise(
        tmp_path_factory.mktemp("dev"), profile="dev", lambda_platform="host", input_prefixes="raw/,incoming/"
    )
