import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from infra import lifecycle
from infra.settings import Settings
from tests.infra.conftest import Stacks, Template

OWN = {"Input": "input/", "Output": "output/"}


def buckets(stacks: Stacks) -> dict[str, Template]:
    """`Input`, `Output` or `Logs` → properties."""
    found = stacks.of_type("AWS::S3::Bucket").items()
    return {part: b["Properties"] for name, b in found for part in ("Input", "Output", "Logs") if part in name}


def policy_of(stacks: Stacks, part: str) -> list[Template]:
    """The statements of a bucket's policy."""
    (found,) = (
        policy["Properties"]["PolicyDocument"]["Statement"]
        for policy in stacks.of_type("AWS::S3::BucketPolicy").values()
        if part in policy["Properties"]["Bucket"]["Ref"]
    )
    return found


def rules(bucket: Template) -> dict[str, Template]:
    return {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}


def test_every_bucket_is_encrypted_private_and_its_owner_s(prod: Stacks):
    assert set(buckets(prod)) == {"Input", "Output", "Logs"}
    for found in buckets(prod).values():
        rule = found["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
        assert set(found["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(found["PublicAccessBlockConfiguration"]) == 4
        assert found["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_what_users_and_workers_write_keeps_its_versions(prod: Stacks, dev: Stacks):
    for stacks in (prod, dev):
        for part in OWN:
            assert buckets(stacks)[part]["VersioningConfiguration"] == {"Status": "Enabled"}


def test_buckets_refuse_what_comes_without_tls(prod: Stacks):
    for part in buckets(prod):
        (tls,) = (s for s in policy_of(prod, part) if "Bool" in s.get("Condition", {}))
        assert (tls["Effect"], tls["Action"], tls["Principal"]) == ("Deny", "s3:*", {"AWS": "*"})
        assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert len(tls["Resource"]) == 2


def test_only_the_input_bucket_tells_eventbridge(prod: Stacks):
    assert [part for part, bucket in buckets(prod).items() if "NotificationConfiguration" in bucket] == ["Input"]


def test_accesses_are_logged_in_a_bucket_only_s3_s_log_delivery_writes_to(prod: Stacks):
    found = buckets(prod)
    for part, prefix in OWN.items():
        logging = found[part]["LoggingConfiguration"]
        assert ("StorageLogs" in logging["DestinationBucketName"]["Ref"], logging["LogFilePrefix"]) == (True, prefix)
    assert "LoggingConfiguration" not in found["Logs"]
    allowed = [statement for statement in policy_of(prod, "Logs") if statement["Effect"] == "Allow"]
    assert len(allowed) == 2
    for statement, part in zip(allowed, OWN, strict=True):
        assert statement["Principal"] == {"Service": "logging.s3.amazonaws.com"}
        assert statement["Action"] == "s3:PutObject"
        assert statement["Resource"]["Fn::Join"][1][-1] == f"/{OWN[part]}*"
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert part in json.dumps(statement["Condition"]["ArnLike"]["aws:SourceArn"])
    assert "AccessControl" not in json.dumps(found)


def test_development_logs_no_accesses_since_late_logs_would_keep_its_bucket(dev: Stacks):
    assert set(buckets(dev)) == set(OWN)
    assert "LoggingConfiguration" not in json.dumps(buckets(dev))


def test_in_production_nobody_deletes_a_bucket_by_its_policy_and_in_development_it_can_go(prod: Stacks, dev: Stacks):
    for part in buckets(prod):
        (denied,) = (s for s in policy_of(prod, part) if s.get("Sid") == "NeverDestroy")
        assert (denied["Effect"], denied["Principal"], denied["Action"]) == ("Deny", {"AWS": "*"}, "s3:DeleteBucket")
    for part in buckets(dev):
        assert "NeverDestroy" not in json.dumps(policy_of(dev, part))


def test_what_is_old_moves_or_goes(prod: Stacks):
    of_input, of_output = (rules(buckets(prod)[part]) for part in OWN)
    assert set(of_input) == {"unfinished-uploads", "old-versions", "lists"}
    assert (of_input["lists"]["Prefix"], of_input["lists"]["ExpirationInDays"]) == ("temp/lists/", 30)
    assert of_output["processed"]["Prefix"] == "processed/"
    assert of_output["processed"]["Transitions"] == [
        {"StorageClass": "STANDARD_IA", "TransitionInDays": 30},
        {"StorageClass": "GLACIER_IR", "TransitionInDays": 90},
    ]
    assert "ExpirationInDays" not in of_output["processed"]
    expiring = {"rejected": ("rejected/", 90), "failed": ("failed/", 90), "plans": ("temp/", 30)}
    for name, (prefix, days) in expiring.items():
        assert (of_output[name]["Prefix"], of_output[name]["ExpirationInDays"]) == (prefix, days)
    for found in (of_input, of_output):
        assert found["unfinished-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 30}
        assert found["old-versions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
        assert found["old-versions"]["ExpiredObjectDeleteMarker"] is True


def test_in_development_nothing_moves(dev: Stacks):
    assert "processed" not in rules(buckets(dev)["Output"])


def test_input_expires_only_where_that_is_asked_for_and_datasets_never():
    assert [rule.prefix for rule in lifecycle.of_input(Settings())] == ["temp/lists/"]
    found = lifecycle.of_input(Settings(input_expiry_days=30, input_prefixes="raw/,incoming/", temp_expiry_days=31))
    assert [(rule.prefix, rule.expires) for rule in found] == [("raw/", 30), ("incoming/", 30), ("temp/lists/", 31)]


def test_archive_and_reports_are_kept_unless_somebody_says_for_how_long():
    assert not {"archive", "reports"} & {rule.name for rule in lifecycle.of_output(Settings())}
    found = {rule.name: rule for rule in lifecycle.of_output(Settings(archive_expiry_days=730, reports_expiry_days=60))}
    assert (found["archive"].prefix, found["archive"].expires) == ("archive/", 730)
    assert (found["reports"].prefix, found["reports"].expires) == ("reports/", 60)
    with pytest.raises(ValidationError, match="look back"):
        Settings(reports_expiry_days=14)


def test_what_is_off_is_no_rule():
    off = {name: 0 for name in Settings.model_fields if name.endswith(("_days", "_infrequent", "_glacier"))}
    off = {name: 0 for name in off if name.startswith(("processed", "rejected", "failed", "temp", "non", "incomplete"))}
    settings = Settings(**off)
    assert lifecycle.of_every_bucket(settings) == lifecycle.of_output(settings) == lifecycle.of_input(settings) == []


def test_a_rule_says_the_same_to_s3_as_to_cloudformation(prod: Stacks):
    settings = Settings()
    made = rules(buckets(prod)["Output"])
    for rule in (*lifecycle.of_every_bucket(settings), *lifecycle.of_output(settings)):
        assert dict(in_s3_terms(made[rule.name])) == lifecycle.in_s3(rule)


def in_s3_terms(rule: Template) -> Iterator[tuple[str, Any]]:
    """CloudFormation's words for a lifecycle rule, in S3's."""
    yield "ID", rule["Id"]
    yield "Status", rule["Status"]
    yield "Filter", {"Prefix": rule.get("Prefix", "")}
    if "Transitions" in rule:
        moves = [{"StorageClass": m["StorageClass"], "Days": m["TransitionInDays"]} for m in rule["Transitions"]]
        yield "Transitions", moves
    if "ExpirationInDays" in rule:
        yield "Expiration", {"Days": rule["ExpirationInDays"]}
    if "ExpiredObjectDeleteMarker" in rule:
        yield "Expiration", {"ExpiredObjectDeleteMarker": True}
    for same in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if same in rule:
            yield same, rule[same]


def test_the_table_can_be_restored_and_streams_both_images(prod: Stacks):
    (table,) = (t["Properties"] for t in prod.of_type("AWS::DynamoDB::Table").values())
    assert table["TableName"] == "haulier-test-jobs"
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["KeySchema"] == [
        {"AttributeName": "job_id", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    (index,) = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "by-status"
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["status_shard", "updated_at"]
    assert index["Projection"] == {"ProjectionType": "ALL"}


def test_data_outlives_its_stack_in_production_only(prod: Stacks, dev: Stacks):
    stays = {
        "AWS::S3::Bucket": "RetainExceptOnCreate",
        # A bucket without its policy lets in who comes without TLS.
        "AWS::S3::BucketPolicy": "RetainExceptOnCreate",
        "AWS::DynamoDB::Table": "Retain",
    }
    for kind, policy in stays.items():
        kept = prod.of_type(kind).values()
        assert {(r["DeletionPolicy"], r["UpdateReplacePolicy"]) for r in kept} == {(policy, "Retain")}
        assert {r["DeletionPolicy"] for r in dev.of_type(kind).values()} == {"Delete"}
    for stacks, protected in ((prod, True), (dev, False)):
        (table,) = stacks.of_type("AWS::DynamoDB::Table").values()
        assert table["Properties"]["DeletionProtectionEnabled"] is protected


def test_a_first_deployment_that_fails_leaves_nothing_whose_name_is_taken_at_the_next(prod: Stacks):
    """The table is protected from the moment it is there, so it is made when nothing else can fail."""
    for kind in ("AWS::S3::Bucket", "AWS::Logs::LogGroup"):
        assert {r["DeletionPolicy"] for r in prod.of_type(kind).values()} == {"RetainExceptOnCreate"}
    (table,) = prod.of_type("AWS::DynamoDB::Table")
    assert set(prod.data["Resources"][table]["DependsOn"]) == set(prod.data["Resources"]) - {table}


def test_no_custom_resource_and_no_helper_function_is_needed(prod: Stacks):
    kinds = {resource["Type"] for stack in (prod.data, prod.pipeline) for resource in stack["Resources"].values()}
    assert not [kind for kind in kinds if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource"]
    for function in prod.of_type("AWS::Lambda::Function").values():
        assert function["Properties"]["Handler"].startswith("dispatcher.")


@pytest.mark.parametrize("name", ["Profile", "KeepsData", "InputBucket", "OutputBucket", "JobTable", "ClientVariables"])
def test_what_a_user_needs_is_an_output(prod: Stacks, dev: Stacks, name: str):
    assert name in prod.data["Outputs"]
    assert name in dev.data["Outputs"]
