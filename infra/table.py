"""The job table: the truth about every job (DESIGN §3)."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from haulier.contracts.names import Names
from infra.settings import Settings

PARTITION_KEY = "job_id"
SORT_KEY = "sk"
STATUS_PARTITION_KEY = "status_shard"
STATUS_SORT_KEY = "updated_at"
TTL_ATTRIBUTE = "expires_at"


def job_table(scope: Construct, *, names: Names, settings: Settings, key: kms.IKey | None) -> dynamodb.Table:
    """One table on demand, with point-in-time recovery, a stream of old and new images, and the sparse status index.

    Args:
        scope: its stack.
        names: its name.
        settings: what protects it.
        key: the customer's own; AWS's (`aws/dynamodb`) encrypts it if there is none.
    """
    table = dynamodb.Table(
        scope,
        "Jobs",
        table_name=names.table,
        partition_key=_text(PARTITION_KEY),
        sort_key=_text(SORT_KEY),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if key else dynamodb.TableEncryption.AWS_MANAGED,
        encryption_key=key,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        time_to_live_attribute=TTL_ATTRIBUTE,
        stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
        deletion_protection=settings.deletion_protection,
        # Not `outliving`: a deployment that fails could not delete a table that is protected. So it is made last.
        removal_policy=RemovalPolicy.RETAIN if settings.keeps_data else RemovalPolicy.DESTROY,
    )
    table.add_global_secondary_index(
        index_name=names.status_index,
        partition_key=_text(STATUS_PARTITION_KEY),
        sort_key=_text(STATUS_SORT_KEY),
        projection_type=dynamodb.ProjectionType.ALL,
    )
    return table


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
