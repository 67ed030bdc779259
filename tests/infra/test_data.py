from tests.infra.conftest import Stacks


def test_buckets_are_versioned_encrypted_and_private(prod: Stacks):
    buckets = prod.of_type("AWS::S3::Bucket")
    assert len(buckets) == 2
    for bucket in buckets.values():
        found = bucket["Properties"]
        assert found["VersioningConfiguration"] == {"Status": "Enabled"}
        rule = found["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
        assert set(found["PublicAccessBlockConfiguration"].values()) == {True}
        assert found["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        lifetimes = [rule.get("AbortIncompleteMultipartUpload") for rule in found["LifecycleConfiguration"]["Rules"]]
        assert {"DaysAfterInitiation": 30} in lifetimes


def test_buckets_refuse_what_comes_without_tls(prod: Stacks):
    policies = prod.of_type("AWS::S3::BucketPolicy")
    assert len(policies) == 2
    for policy in policies.values():
        denied = [s for s in policy["Properties"]["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
        assert denied[0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert denied[0]["Action"] == "s3:*"


def test_only_the_input_bucket_tells_eventbridge(prod: Stacks):
    telling = [
        name
        for name, bucket in prod.of_type("AWS::S3::Bucket").items()
        if "NotificationConfiguration" in bucket["Properties"]
    ]
    assert len(telling) == 1
    assert "Input" in telling[0]


def test_the_table_can_be_restored_and_streams_both_images(prod: Stacks):
    (table,) = (t["Properties"] for t in prod.of_type("AWS::DynamoDB::Table").values())
    assert table["TableName"] == "haulier-test-jobs"
    assert table["BillingMode"] == "PAY_PER_REQUEST"
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
    for kind in ("AWS::S3::Bucket", "AWS::DynamoDB::Table"):
        assert {r["DeletionPolicy"] for r in prod.of_type(kind).values()} == {"Retain"}
        assert {r["DeletionPolicy"] for r in dev.of_type(kind).values()} == {"Delete"}
    (table,) = prod.of_type("AWS::DynamoDB::Table").values()
    assert table["Properties"]["DeletionProtectionEnabled"] is True


def test_no_custom_resource_and_no_helper_function_is_needed(prod: Stacks):
    kinds = {resource["Type"] for stack in (prod.data, prod.pipeline) for resource in stack["Resources"].values()}
    assert not [kind for kind in kinds if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource"]
    assert len(prod.of_type("AWS::Lambda::Function")) == 5
