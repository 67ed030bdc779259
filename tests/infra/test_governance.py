"""What holds for everything, and what teams choose differently: one bucket, their own bucket, key, boundary, role."""

import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from cfnlint.api import lint

from haulier.contracts.keys import OWN_PREFIXES
from infra.brought import rights, what_owners_apply, written_out
from infra.deploy_role import BOOTSTRAP_ROLES
from infra.governance import tags
from infra.settings import Settings
from tests.infra.conftest import Stacks, Template, listed, synthesise
from tests.infra.test_cfn_lint import CONFIG

KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OWNER = "444455556666"
STACK = {"account": "111122223333", "region": "eu-west-1"}
GOVERNED: dict[str, Any] = {
    "one_bucket": True,
    "kms_key_arn": KEY,
    "permissions_boundary": "team-boundary",
    "role_path": "/team/haulier/",
    "cost_centre": "42",
    "owner": "data",
    "tags": "owner=platform,Team=data",
    "deploy_repository": "org/name",
    "deploy_subject": "environment:production",
    "cdk_qualifier": "team",
}
BROUGHT: dict[str, Any] = {
    "input_bucket_name": "their-input",
    "output_bucket_name": "their-output",
    "bucket_owner": OWNER,
    "kms_key_arn": KEY,
    "oidc_provider_arn": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com",
    "deploy_repository": "org/name",
}
WRITES = {"s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("governed")


@pytest.fixture(scope="module")
def governed(directory: Path) -> Stacks:
    return synthesise(directory, **GOVERNED)


@pytest.fixture(scope="module")
def access(governed: Stacks, directory: Path) -> Template:
    return json.loads((directory / "out" / "Access.template.json").read_text())


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    return synthesise(tmp_path_factory.mktemp("brought"), **BROUGHT)


def allowed(stacks: Stacks) -> list[tuple[str, Template]]:
    """Role → a statement that allows something; each of them."""
    return [
        (role["Ref"], statement)
        for policy in stacks.of_type("AWS::IAM::Policy").values()
        for role in policy["Properties"]["Roles"]
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]


def test_every_role_lies_under_the_path_and_within_the_boundary(governed: Stacks, access: Template):
    roles = [*governed.of_type("AWS::IAM::Role").values()]
    roles += [resource for resource in access["Resources"].values() if resource["Type"] == "AWS::IAM::Role"]
    assert len(roles) > 8
    for role in roles:
        assert role["Properties"]["Path"] == "/team/haulier/"
        assert written_out(role["Properties"]["PermissionsBoundary"], "aws").endswith(":policy/team-boundary")


def test_without_such_settings_a_role_has_neither(prod: Stacks):
    for role in prod.of_type("AWS::IAM::Role").values():
        assert not {"Path", "PermissionsBoundary"} & set(role["Properties"])


def test_everything_that_can_have_tags_has_them(governed: Stacks):
    tagged = [
        resource["Properties"]["Tags"]
        for kind in ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::Lambda::Function", "AWS::SQS::Queue")
        for resource in governed.of_type(kind).values()
    ]
    assert len(tagged) > 15
    for found in tagged:
        assert {tag["Key"]: tag["Value"] for tag in found} == {
            "environment": "test", "project": "haulier", "cost-centre": "42", "owner": "platform", "Team": "data",
        }  # fmt: skip


@pytest.mark.parametrize("own", ["owner", "Owner", "OWNER"])
def test_a_tag_of_one_s_own_replaces_ours_whatever_the_case_of_its_letters(own: str):
    """IAM refuses a role with two keys that differ in nothing else."""
    found = tags(Settings(environment="test", owner="data", tags=f"{own}=platform"))
    assert found == {"environment": "test", "project": "haulier", own: "platform"}


def test_a_deployment_takes_the_bootstrap_s_roles_and_nothing_else(access: Template):
    (policy,) = (r["Properties"] for r in access["Resources"].values() if r["Type"] == "AWS::IAM::Policy")
    (statement,) = (s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow")
    assert statement["Action"] == "sts:AssumeRole"
    roles = [written_out(resource, "aws") for resource in statement["Resource"]]
    assert roles == [f"arn:aws:iam:::role/cdk-team-{name}-role--" for name in BOOTSTRAP_ROLES]


def test_only_the_repository_s_own_subject_takes_the_deploy_role(access: Template):
    (role,) = (r["Properties"] for r in access["Resources"].values() if r["Type"] == "AWS::IAM::Role")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": "repo:org/name:environment:production",
        }
    }
    (made,) = (r for r in access["Resources"].values() if r["Type"] == "AWS::IAM::OIDCProvider")
    # The account's only one: others may rely on it when this stack goes.
    assert made["DeletionPolicy"] == "RetainExceptOnCreate"
    provider = made["Properties"]
    assert provider["Url"] == "https://token.actions.githubusercontent.com"
    assert provider["ClientIdList"] == ["sts.amazonaws.com"]


def test_stacks_are_protected_as_the_profile_says(governed: Stacks, directory: Path):
    artifacts = json.loads((directory / "out" / "manifest.json").read_text())["artifacts"]
    for stack in ("Access", "Data", "Pipeline"):
        assert artifacts[stack]["properties"]["terminationProtection"] is True
        assert artifacts[stack]["properties"]["requiresBootstrapStackVersion"] >= 6
        assert "cdk-team-" in artifacts[stack]["properties"]["assumeRoleArn"]


def test_one_bucket_is_told_of_once_and_has_every_rule(governed: Stacks):
    made = {name: b["Properties"] for name, b in governed.of_type("AWS::S3::Bucket").items() if "Logs" not in name}
    ((name, bucket),) = made.items()
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    assert bucket["BucketName"]["Fn::Join"][1][0] == "haulier-test-data-"
    ids = {rule["Id"] for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert ids == {"unfinished-uploads", "old-versions", "processed", "rejected", "failed", "plans"}
    variables = governed.function("intake")["Environment"]["Variables"]
    assert name in json.dumps(variables["HAULIER_INPUT_BUCKET"])
    assert (
        variables["HAULIER_INPUT_BUCKET"]
        == governed.function("plan")["Environment"]["Variables"]["HAULIER_OUTPUT_BUCKET"]
    )


def test_in_one_bucket_nobody_writes_where_users_do(governed: Stacks):
    """Neither under the input prefixes nor to datasets: what Haulier writes lies under prefixes of its own."""
    written = {
        resource["Fn::Join"][1][-1]
        for _, statement in allowed(governed)
        if WRITES & set(listed(statement["Action"]))
        for resource in listed(statement["Resource"])
    }
    ours = {f"/{prefix}*" for prefix in OWN_PREFIXES if prefix != "config/"}
    assert {"/processed/*", "/rejected/*", "/temp/*", "/failed/*"} <= written
    assert {resource for resource in written if not any(resource.startswith(own[:-1]) for own in ours)} == set()


def test_the_rule_takes_no_key_of_our_own(governed: Stacks):
    rule = governed.named("AWS::Events::Rule", "Name", "haulier-test-object-created")
    (prefix,) = (key["prefix"] for key in rule["EventPattern"]["detail"]["object"]["key"])
    assert not prefix.startswith(OWN_PREFIXES)


def test_a_key_of_one_s_own_encrypts_buckets_and_table_but_no_access_logs(governed: Stacks):
    for name, bucket in governed.of_type("AWS::S3::Bucket").items():
        (rule,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        if "Logs" in name:
            assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
        else:
            assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
            assert rule["BucketKeyEnabled"] is True
    (table,) = governed.of_type("AWS::DynamoDB::Table").values()
    assert table["Properties"]["SSESpecification"] == {"KMSMasterKeyId": KEY, "SSEEnabled": True, "SSEType": "KMS"}


def test_whoever_reads_or_writes_may_use_the_key_and_nobody_else(governed: Stacks, prod: Stacks):
    needing: dict[str, set[str]] = {}
    having: dict[str, set[str]] = {}
    for role, statement in allowed(governed):
        actions = set(listed(statement["Action"]))
        if {"s3:GetObject"} & actions:
            needing.setdefault(role, set()).add("kms:Decrypt")
        if {"s3:PutObject"} & actions:
            needing.setdefault(role, set()).update({"kms:Decrypt", "kms:GenerateDataKey"})
        if any(action.startswith("dynamodb:") and action != "dynamodb:ListStreams" for action in actions):
            needing.setdefault(role, set()).add("kms:Decrypt")
        keys = {action for action in actions if action.startswith("kms:")}
        if keys:
            having.setdefault(role, set()).update(keys)
            assert statement["Resource"] == KEY
    assert set(needing) == set(having)
    for role, actions in needing.items():
        assert actions <= having[role], role
    assert len(having) >= 7
    assert not [s for _, s in allowed(prod) if any(a.startswith("kms:") for a in listed(s["Action"]))]


def test_what_is_brought_is_not_made(brought: Stacks):
    assert not brought.of_type("AWS::S3::Bucket")
    assert not brought.of_type("AWS::S3::BucketPolicy")
    assert not brought.of_type("AWS::IAM::OIDCProvider")
    for name in ("intake", "plan", "janitor"):
        variables = brought.function(name)["Environment"]["Variables"]
        assert variables["HAULIER_BUCKET_OWNER"] == OWNER
    assert brought.function("intake")["Environment"]["Variables"]["HAULIER_INPUT_BUCKET"] == "their-input"
    assert brought.function("plan")["Environment"]["Variables"]["HAULIER_OUTPUT_BUCKET"] == "their-output"


def test_a_client_is_told_the_names_it_cannot_derive(brought: Stacks, prod: Stacks):
    told = written_out(brought.data["Outputs"]["ClientVariables"]["Value"], "aws")
    assert told.endswith("HAULIER_INPUT_BUCKET=their-input HAULIER_OUTPUT_BUCKET=their-output")
    assert "BUCKET" not in written_out(prod.data["Outputs"]["ClientVariables"]["Value"], "aws")
    assert "scripts.brought" in written_out(brought.data["Outputs"]["OwnersApply"]["Value"], "aws")


def test_events_of_the_owner_s_buckets_may_come_in_and_no_others(brought: Stacks):
    (policy,) = brought.of_type("AWS::Events::EventBusPolicy").values()
    statement = policy["Properties"]["Statement"]
    assert written_out(statement["Principal"]["AWS"], "aws") == f"arn:aws:iam::{OWNER}:root"
    assert statement["Condition"] == {
        "StringEquals": {"events:source": "aws.s3", "events:detail-type": "Object Created"}
    }


def test_an_owner_in_another_account_grants_what_the_roles_have_and_nothing_else(brought: Stacks):
    found = what_owners_apply(Settings(environment="test", **BROUGHT), **STACK)
    assert set(found) == {"their-input", "their-output", KEY}
    granted = rights(iter([brought.data, brought.pipeline]), found, partition="aws")
    assert granted["their-input"] == [
        ("arn:aws:s3:::their-input", ["s3:ListBucket"]),
        ("arn:aws:s3:::their-input/*", ["s3:GetObject", "s3:GetObjectVersion"]),
    ]
    for name in ("their-input", "their-output"):
        tls, *allows = found[name]["put-bucket-policy"]["Statement"]
        assert (tls["Effect"], tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
        assert [(s["Resource"], s["Action"]) for s in allows] == granted[name]
        assert {s["Condition"]["ArnLike"]["aws:PrincipalArn"] for s in allows} == {
            "arn:aws:iam::111122223333:role/haulier-test-*"
        }
    actions = {action for _, of_resource in granted["their-output"] for action in of_resource}
    assert actions >= WRITES
    assert "s3:DeleteBucket" not in actions
    assert found["their-input"]["forward its events"]["put-targets"]["Arn"].endswith("111122223333:event-bus/default")


def test_an_owner_in_the_same_account_only_asks_for_tls():
    """There the roles' own policies are enough."""
    found = what_owners_apply(Settings(environment="test", input_bucket_name="mine"), **STACK)
    assert set(found) == {"mine"}
    assert [statement["Sid"] for statement in found["mine"]["put-bucket-policy"]["Statement"]] == ["TlsOnly"]
    assert found["mine"]["put-bucket-notification-configuration"] == {"EventBridgeConfiguration": {}}


@pytest.mark.parametrize(
    ("operation", "parameter"),
    [
        ("put-bucket-lifecycle-configuration", "LifecycleConfiguration"),
        ("put-bucket-versioning", "VersioningConfiguration"),
        ("put-bucket-notification-configuration", "NotificationConfiguration"),
    ],
)
def test_what_is_printed_is_what_the_call_takes(operation: str, parameter: str):
    model = botocore.session.get_session().get_service_model("s3")
    (name,) = (name for name in model.operation_names if name.lower() == operation.replace("-", ""))
    shape = model.operation_model(name).input_shape
    found = what_owners_apply(Settings(one_bucket=True, input_bucket_name="mine"), **STACK)
    report = ParamValidator().validate({"Bucket": "mine", parameter: found["mine"][operation]}, shape)
    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize("choice", ["governed", "brought"])
def test_what_teams_choose_differently_is_sound_to_cloudformation(choice: str, request: pytest.FixtureRequest):
    stacks: Stacks = request.getfixturevalue(choice)
    templates = sorted(stacks.outdir.glob("*.template.json"))
    assert {path.name.split(".")[0] for path in templates} == {"Access", "Data", "Pipeline"}
    assert not [str(match) for path in templates for match in lint(path.read_text(), config=CONFIG)]


def test_a_role_s_name_begins_as_the_owner_s_condition_says(prod: Stacks):
    """CloudFormation names a role after its stack where the template does not."""
    for role in prod.of_type("AWS::IAM::Role").values():
        assert role["Properties"].get("RoleName", "haulier-test-pipeline").startswith("haulier-test-")
