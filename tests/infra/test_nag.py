"""cdk-nag's AwsSolutions rules: everything they find is either mended or meant, with the reason in infra/nag.py."""

import pytest
from aws_cdk import Acknowledgment, App, Validations
from cdk_nag import AwsSolutionsChecks
from constructs import IConstruct

from infra.nag import ACKNOWLEDGEMENTS, Finding, acknowledgement, unused
from tests.infra.conftest import PROFILES, shipped

_FOUND: dict[str, list[Finding]] = {}


def found(profile: str, directories: pytest.TempPathFactory) -> list[Finding]:
    """Every finding of a profile's app."""
    if profile not in _FOUND:
        app = shipped(profile, directories).app
        _FOUND[profile] = [
            Finding(violation.rule_name, resource.construct_path)
            for violation in AwsSolutionsChecks(app).validate_scope(app).violations
            for resource in violation.violating_resources
        ]
    return _FOUND[profile]


def at(app: App, path: str) -> IConstruct:
    node: IConstruct = app
    for name in path.split("/"):
        node = node.node.find_child(name)
    return node


@pytest.mark.parametrize("profile", PROFILES)
def test_everything_cdk_nag_finds_is_meant(tmp_path_factory: pytest.TempPathFactory, profile: str):
    findings = found(profile, tmp_path_factory)
    assert len(findings) > 10
    assert not [finding for finding in findings if acknowledgement(finding) is None]


@pytest.mark.parametrize("profile", PROFILES)
def test_cdk_nag_passes_when_it_is_told_what_is_meant(tmp_path_factory: pytest.TempPathFactory, profile: str):
    findings = found(profile, tmp_path_factory)
    app = shipped(profile, tmp_path_factory).app
    for finding in findings:
        told = acknowledgement(finding)
        if told:
            note = Acknowledgment(id=finding.rule, reason=told.reason)
            Validations.of(at(app, finding.path)).acknowledge(note)
    assert AwsSolutionsChecks(app).validate_scope(app).success


def test_no_acknowledgement_is_left_over(tmp_path_factory: pytest.TempPathFactory):
    assert not unused(finding for profile in PROFILES for finding in found(profile, tmp_path_factory))


def test_every_acknowledgement_names_what_and_where_and_says_why():
    for one in ACKNOWLEDGEMENTS:
        assert one.rule.startswith("AwsSolutions-")
        assert ".*" not in (one.rule, one.path), one
        assert len(one.reason) >= 40, one
