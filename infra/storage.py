"""The two buckets: what users put in, and everything Haulier writes."""

from aws_cdk import Aws, Duration, Fn, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from haulier.contracts.keys import TEMP_PREFIX
from haulier.contracts.names import Names
from infra.settings import Settings

UNFINISHED_UPLOAD_DAYS = 30
"""Longer than any upload that is still being resumed; what is older belongs to nobody."""
PLAN_DAYS = 120
"""Plans under temp/ are of use as long as their job's record is kept."""
OLD_VERSION_DAYS = 30


class Storage(Construct):
    """Input and output bucket.

    Attributes:
        input: uploads and dataset configurations; tells EventBridge of every new object.
        output: results, rejects, manifests, plans.
    """

    def __init__(self, scope: Construct, *, names: Names, settings: Settings) -> None:
        super().__init__(scope, "Storage")
        self.input = self._bucket("Input", names.input_bucket("{account}", "{region}"), settings)
        self.output = self._bucket("Output", names.output_bucket("{account}", "{region}"), settings)
        self.output.add_lifecycle_rule(id="plans", prefix=TEMP_PREFIX, expiration=Duration.days(PLAN_DAYS))
        # `event_bridge_enabled=True` is a custom resource in CDK; the bucket's own property does the same without one.
        cfn = self.input.node.default_child
        assert isinstance(cfn, s3.CfnBucket)  # noqa: S101 - narrows a type, tells nobody anything at run time
        cfn.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )

    def _bucket(self, name: str, physical: str, settings: Settings) -> s3.Bucket:
        return s3.Bucket(
            self,
            name,
            bucket_name=_with_account(physical),
            versioned=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            removal_policy=RemovalPolicy.RETAIN if settings.keeps_data else RemovalPolicy.DESTROY,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="unfinished-uploads",
                    abort_incomplete_multipart_upload_after=Duration.days(UNFINISHED_UPLOAD_DAYS),
                ),
                s3.LifecycleRule(id="old-versions", noncurrent_version_expiration=Duration.days(OLD_VERSION_DAYS)),
            ],
        )


def _with_account(name: str) -> str:
    """The name with account and region filled in at deployment, so that synth needs neither."""
    prefix, rest = name.split("{account}")
    return Fn.join("", [prefix, Aws.ACCOUNT_ID, rest.removesuffix("{region}"), Aws.REGION])
