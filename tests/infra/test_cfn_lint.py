"""CloudFormation's own rules, in the regions' own terms: cfn-lint over every template, without a network."""

import json

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from tests.infra.conftest import PROFILES, shipped

REGIONS = ["us-east-1", "eu-central-1"]
"""The oldest, which has everything, and one that has what is common."""
# CDK names role and policy where something waits for a role's policy; that the role alone need not be named is W3005.
CONFIG = ManualArgs(regions=REGIONS, ignore_checks=["W3005"])


@pytest.mark.parametrize("profile", PROFILES)
def test_cfn_lint_finds_nothing(tmp_path_factory: pytest.TempPathFactory, profile: str):
    templates = sorted(shipped(profile, tmp_path_factory).outdir.glob("*.template.json"))
    assert len(templates) >= 2
    found = [
        f"{template.name}: {match.rule.id} at {'/'.join(map(str, match.path or []))}: {match.message}"
        for template in templates
        for match in lint(template.read_text(), config=CONFIG)
    ]
    assert not found


def test_cfn_lint_would_find_what_is_wrong():
    wrong = {"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": "long"}}}}
    assert [match.rule.id for match in lint(json.dumps(wrong), config=CONFIG)] == ["E3012"]
