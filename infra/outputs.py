"""What a person wants to know after a deployment."""

from collections.abc import Mapping

from aws_cdk import Aws, CfnOutput
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from haulier.contracts import environment as variables
from infra.settings import Settings
from infra.storage import Storage


def outputs(scope: Construct, values: Mapping[str, str]) -> None:
    """Writes name → value as outputs of the stack `scope`."""
    for name, value in values.items():
        CfnOutput(scope, name, value=value)


def of_data(storage: Storage, table: dynamodb.ITable, settings: Settings) -> dict[str, str]:
    """Of the Data stack. `make destroy` reads the first two, so that nothing of production is ever emptied."""
    found = {
        "Profile": settings.profile,
        "KeepsData": str(settings.keeps_data).lower(),
        "InputBucket": storage.input.bucket_name,
        "InputBucketArn": storage.input.bucket_arn,
        "OutputBucket": storage.output.bucket_name,
        "OutputBucketArn": storage.output.bucket_arn,
        "JobTable": table.table_name,
        "JobTableArn": table.table_arn,
        "ClientVariables": _client_variables(storage, settings),
    }
    if storage.logs:
        found["AccessLogBucket"] = storage.logs.bucket_name
    if settings.input_bucket_name or settings.output_bucket_name or settings.kms_key_arn:
        found["OwnersApply"] = f"python -m scripts.brought --account {Aws.ACCOUNT_ID} --region {Aws.REGION}"
    return found


def _client_variables(storage: Storage, settings: Settings) -> str:
    """What a client of this stack sets; it derives the buckets' names where they follow from the environment's."""
    told = f"{variables.ENVIRONMENT}={settings.environment} AWS_REGION={Aws.REGION}"
    if settings.one_bucket or settings.input_bucket_name:
        told += f" {variables.INPUT_BUCKET}={storage.input.bucket_name}"
    if settings.one_bucket or settings.output_bucket_name:
        told += f" {variables.OUTPUT_BUCKET}={storage.output.bucket_name}"
    return told
