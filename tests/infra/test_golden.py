"""What each profile deploys is what was agreed on."""

import json
from pathlib import Path

import pytest

from tests.infra.conftest import synthesise
from tests.infra.golden import AGREED, STACKS, difference, normalised, path, templates


@pytest.mark.parametrize("profile", AGREED)
def test_a_profile_s_templates_are_those_that_were_agreed_on(tmp_path: Path, profile: str):
    now = templates(synthesise(tmp_path, **AGREED[profile]))
    agreed = [path(profile, stack) for stack in STACKS]
    found = "".join(
        difference(file.read_text(), now[stack], file.name) for stack, file in zip(STACKS, agreed, strict=True)
    )
    if found:
        pytest.fail(f"{found}\n\nIf this is meant: make golden", pytrace=False)


def test_what_changes_by_itself_is_left_out():
    def template(content: str, deployment: str) -> dict[str, object]:
        return {
            "Parameters": {"BootstrapVersion": {}},
            "Resources": {
                "F": {"Properties": {"Code": {"S3Key": f"{content}.zip"}}, "Metadata": {"aws:asset:path": content}},
                f"ApiDeployment0123ABCD{deployment}": {"Properties": {}},
                "Stage": {"Properties": {"DeploymentId": {"Ref": f"ApiDeployment0123ABCD{deployment}"}}},
            },
        }

    assert normalised(template("a" * 64, "b" * 32)) == normalised(template("c" * 64, "d" * 32))


def test_a_change_is_shown_line_by_line():
    queue = {"Properties": {"QueueName": "a" * 100, "VisibilityTimeout": 60}}
    before = normalised({"Resources": {"Q": queue}})
    after = before.replace("60", "90")
    assert difference(before, before, "x") == ""
    assert '-    "VisibilityTimeout": 60' in difference(before, after, "x").splitlines()
    assert '+    "VisibilityTimeout": 90' in difference(before, after, "x").splitlines()


def test_it_is_still_json_and_says_what_a_document_within_it_says():
    join = {"Fn::Join": ["", ['{"Next": "', {"Fn::GetAtt": ["F", "Arn"]}, '"}']]}
    written = normalised({"Resources": {"M": {"Properties": {"DefinitionString": join}}}})
    opened = json.loads(written)["Resources"]["M"]["Properties"]["DefinitionString"]
    assert opened == {"a JSON document": {"Next": "${F.Arn}"}}
