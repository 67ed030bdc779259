"""`make destroy`, against fakes: order, refusals, and that only what the stack made is emptied."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from haulier.contracts.names import Names
from scripts.destroy import Destruction, NotDestroyed

BUCKET, LOGS = "haulier-dev-input-1-r", "haulier-dev-logs-1-r"
OUTPUTS = {"Profile": "dev", "KeepsData": "false"}


class Pages:
    def __init__(self, *pages: dict[str, Any]) -> None:
        self._pages = pages

    def paginate(self, **_: Any) -> tuple[dict[str, Any], ...]:
        return self._pages


class Account:
    """CloudFormation and S3 of an account, which write down what is done to them."""

    def __init__(self, *stacks: str, outputs: dict[str, str] | None = None, protected: str = "") -> None:
        self.stacks = list(stacks)
        self.outputs = OUTPUTS if outputs is None else outputs
        self.protected = protected
        self.stuck = ""
        self.gone = ""
        self.did: list[tuple[str, ...]] = []
        self.versions = {BUCKET: 3, LOGS: 1}

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        if StackName not in self.stacks:
            error = {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}
            raise ClientError({"Error": error}, "DescribeStacks")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        found = {"StackName": StackName, "StackStatus": "CREATE_COMPLETE", "Outputs": outputs}
        return {"Stacks": [found | {"EnableTerminationProtection": StackName == self.protected}]}

    def delete_stack(self, StackName: str) -> None:  # noqa: N803 - AWS's name
        self.did.append(("delete", StackName))
        self._deleting = StackName

    def get_waiter(self, _name: str) -> Any:
        return self

    def wait(self, StackName: str) -> None:  # noqa: N803 - AWS's name
        if StackName == self.stuck:
            raise WaiterError("stack_delete_complete", "DELETE_FAILED", {})
        self.stacks.remove(StackName)

    def get_paginator(self, operation: str) -> Any:
        if operation == "list_stack_resources":
            made = [("AWS::S3::Bucket", BUCKET), ("AWS::S3::Bucket", LOGS), ("AWS::DynamoDB::Table", "t")]
            return Pages(
                {
                    "StackResourceSummaries": [
                        {"ResourceType": kind, "PhysicalResourceId": name, "ResourceStatus": "CREATE_COMPLETE"}
                        for kind, name in made
                    ]
                }
            )
        if operation == "list_multipart_uploads":
            return Pages({"Uploads": [{"Key": "k", "UploadId": "u"}]}, {})
        return Pages(
            {"Versions": [{"Key": "a", "VersionId": "1"}], "DeleteMarkers": [{"Key": "a", "VersionId": "2"}]},
            {},
            {"Versions": [{"Key": "b", "VersionId": "null"}]},
        )

    def put_bucket_logging(self, Bucket: str, BucketLoggingStatus: dict[str, Any]) -> None:  # noqa: N803
        assert BucketLoggingStatus == {}
        if Bucket == self.gone:
            raise ClientError({"Error": {"Code": "NoSuchBucket"}}, "PutBucketLogging")
        self.did.append(("stop logging", Bucket))

    def abort_multipart_upload(self, Bucket: str, Key: str, UploadId: str) -> None:  # noqa: N803
        self.did.append(("abort", Bucket, Key, UploadId))

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        self.did.append(("objects", Bucket, *(f"{o['Key']}@{o['VersionId']}" for o in Delete["Objects"])))
        return {}


def destruction(account: Account) -> Destruction:
    return Destruction(Names("dev"), cloudformation=account, s3=account, tell=lambda _: None)


def test_whoever_writes_goes_first_then_the_buckets_are_emptied_then_they_go():
    account = Account("haulier-dev-data", "haulier-dev-pipeline")
    destruction(account).run()
    emptied = [
        step
        for bucket in (BUCKET, LOGS)
        for step in (
            ("stop logging", bucket),
            ("abort", bucket, "k", "u"),
            ("objects", bucket, "a@1", "a@2"),
            ("objects", bucket, "b@null"),
        )
    ]
    assert account.did == [("delete", "haulier-dev-pipeline"), *emptied, ("delete", "haulier-dev-data")]
    assert account.stacks == []


@pytest.mark.parametrize(
    "outputs", [{}, {"Profile": "prod", "KeepsData": "true"}, {"Profile": "dev", "KeepsData": "true"}]
)
def test_what_keeps_its_data_is_refused_and_nothing_is_touched(outputs: dict[str, str]):
    account = Account("haulier-dev-data", "haulier-dev-pipeline", outputs=outputs)
    with pytest.raises(NotDestroyed, match="keeps its data"):
        destruction(account).run()
    assert account.did == []


def test_a_protected_stack_is_refused_and_nothing_is_touched():
    account = Account("haulier-dev-data", "haulier-dev-workers", protected="haulier-dev-workers")
    with pytest.raises(NotDestroyed, match="protected"):
        destruction(account).run()
    assert account.did == []


def test_it_goes_on_where_it_was_interrupted():
    account = Account("haulier-dev-data")
    account.stuck = "haulier-dev-data"
    with pytest.raises(NotDestroyed, match="run once more"):
        destruction(account).run()
    account.stuck = ""
    destruction(account).run()
    assert destruction(account).stacks() == []


def test_a_bucket_that_somebody_deleted_by_hand_is_passed_over():
    account = Account("haulier-dev-data")
    account.gone = BUCKET
    destruction(account).run()
    assert [step[:2] for step in account.did if BUCKET in step] == []
    assert ("stop logging", LOGS) in account.did
    assert account.stacks == []


def test_nothing_is_done_where_there_is_nothing():
    account = Account()
    destruction(account).run()
    assert account.did == []


def test_an_object_that_cannot_be_deleted_is_told():
    account = Account("haulier-dev-data")
    account.delete_objects = lambda **_: {"Errors": [{"Key": "a", "Code": "AccessDenied"}]}  # type: ignore[method-assign]
    with pytest.raises(NotDestroyed, match="a: AccessDenied"):
        destruction(account).run()
    assert ("delete", "haulier-dev-data") not in account.did
