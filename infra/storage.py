"""The two buckets, or the one: what users put in, and everything Haulier writes."""

from collections.abc import Sequence

from aws_cdk import Aws, Fn
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from haulier.contracts.names import Names
from infra import lifecycle
from infra.access_logs import log_access, log_bucket
from infra.encryption import customer_key
from infra.lifecycle import Rule
from infra.retention import outlives_with_its_policy, outliving
from infra.settings import Settings


class Storage(Construct):
    """Input and output bucket; with `one_bucket` they are the same.

    Attributes:
        input: uploads and dataset configurations; tells EventBridge of every new object.
        output: results, rejects, manifests, plans.
        logs: who read and wrote what in the buckets that are made here; None if that is not asked for.
        key: the customer's own key; None where AWS's encrypt.
        owner: id of the account that owns the buckets.
    """

    def __init__(self, scope: Construct, *, names: Names, settings: Settings) -> None:
        super().__init__(scope, "Storage")
        self._settings = settings
        self.key = customer_key(self, settings)
        self.owner = settings.bucket_owner or Aws.ACCOUNT_ID
        brought = settings.input_bucket_name and (settings.one_bucket or settings.output_bucket_name)
        self.logs = (
            log_bucket(self, name=_filled_in(names.log_bucket("{account}", "{region}")), settings=settings)
            if settings.access_logs and not brought
            else None
        )
        if self.logs and settings.deletion_protection:
            self.logs.add_to_resource_policy(_nobody_deletes(self.logs))
        if settings.one_bucket:
            rules = [*lifecycle.of_input(settings), *lifecycle.of_output(settings)]
            name = names.data_bucket("{account}", "{region}")
            self.output = self.input = self._bucket("Data", settings.input_bucket_name, name, rules, told=True)
        else:
            name = names.input_bucket("{account}", "{region}")
            rules = lifecycle.of_input(settings)
            self.input = self._bucket("Input", settings.input_bucket_name, name, rules, told=True)
            name = names.output_bucket("{account}", "{region}")
            rules = lifecycle.of_output(settings)
            self.output = self._bucket("Output", settings.output_bucket_name, name, rules, told=False)
        if settings.bucket_owner:
            _take_events_of(self, settings.bucket_owner, sid=f"{names.prefix}-{settings.bucket_owner}")

    def _bucket(self, role: str, own: str | None, name: str, rules: Sequence[Rule], *, told: bool) -> s3.IBucket:
        """The user's own bucket if there is one, by its name and without a look-up; else one that is made here."""
        if own:
            return s3.Bucket.from_bucket_attributes(self, role, bucket_name=own, encryption_key=self.key)
        bucket = self._made(role, _filled_in(name), rules)
        if told:
            _tell_eventbridge(bucket)
        if self.logs:
            log_access(bucket, logs=self.logs, prefix=f"{role.lower()}/")
        return bucket

    def _made(self, role: str, name: str, rules: Sequence[Rule]) -> s3.Bucket:
        settings = self._settings
        bucket = s3.Bucket(
            self,
            role,
            bucket_name=name,
            versioned=True,
            encryption=s3.BucketEncryption.KMS if self.key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=self.key,
            # One call to KMS for many objects: without it a burst of small files is a burst of calls, and a bill.
            bucket_key_enabled=True if self.key else None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            removal_policy=outliving(settings),
            lifecycle_rules=[lifecycle.in_cdk(rule) for rule in (*lifecycle.of_every_bucket(settings), *rules)],
        )
        outlives_with_its_policy(bucket, settings)
        if settings.deletion_protection:
            bucket.add_to_resource_policy(_nobody_deletes(bucket))
        return bucket


def _nobody_deletes(bucket: s3.Bucket) -> iam.PolicyStatement:
    """Not for development, where the bucket is to go with its stack."""
    return iam.PolicyStatement(
        sid="NeverDestroy",
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["s3:DeleteBucket"],
        resources=[bucket.bucket_arn],
    )


def _tell_eventbridge(bucket: s3.Bucket) -> None:
    # `event_bridge_enabled=True` is a custom resource in CDK; the bucket's own property does the same without one.
    cfn = bucket.node.default_child
    assert isinstance(cfn, s3.CfnBucket)  # noqa: S101 - narrows a type, tells nobody anything at run time
    cfn.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    )


def _take_events_of(scope: Construct, owner: str, *, sid: str) -> None:
    """S3 tells the default bus of the bucket's account; a rule there sends it on to ours, which must allow that."""
    events.CfnEventBusPolicy(
        scope,
        "EventsOfOwner",
        statement_id=sid,
        statement={
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{Aws.PARTITION}:iam::{owner}:root"},
            "Action": "events:PutEvents",
            "Resource": f"arn:{Aws.PARTITION}:events:{Aws.REGION}:{Aws.ACCOUNT_ID}:event-bus/default",
            "Condition": {"StringEquals": {"events:source": "aws.s3", "events:detail-type": "Object Created"}},
        },
    )


def _filled_in(name: str) -> str:
    """The name with account and region filled in at deployment, so that synth needs neither."""
    prefix, rest = name.split("{account}")
    return Fn.join("", [prefix, Aws.ACCOUNT_ID, rest.removesuffix("{region}"), Aws.REGION])
