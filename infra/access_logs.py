"""S3's server access logs: who read and wrote what, in a bucket of their own."""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra import lifecycle
from infra.retention import outlives_with_its_policy, outliving
from infra.settings import Settings


def log_bucket(scope: Construct, *, name: str, settings: Settings) -> s3.Bucket:
    """Where the logs go. S3's own encryption: log delivery cannot use a customer's key. No versions: nothing is ever
    written twice.
    """
    bucket = s3.Bucket(
        scope,
        "Logs",
        bucket_name=name,
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        removal_policy=outliving(settings),
        lifecycle_rules=[lifecycle.in_cdk(rule) for rule in lifecycle.of_access_logs(settings)],
    )
    outlives_with_its_policy(bucket, settings)
    return bucket


def log_access(bucket: s3.Bucket, *, logs: s3.Bucket, prefix: str) -> None:
    """Has the accesses to `bucket` logged under `prefix` of `logs`, by the log bucket's policy and without ACLs.

    Not the construct's own argument: without a feature flag it writes an ACL, which an enforced owner refuses.
    """
    cfn = bucket.node.default_child
    assert isinstance(cfn, s3.CfnBucket)  # noqa: S101 - narrows a type, tells nobody anything at run time
    cfn.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
        destination_bucket_name=logs.bucket_name, log_file_prefix=prefix
    )
    logs.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
            actions=["s3:PutObject"],
            resources=[logs.arn_for_objects(f"{prefix}*")],
            conditions={
                "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                "ArnLike": {"aws:SourceArn": bucket.bucket_arn},
            },
        )
    )
