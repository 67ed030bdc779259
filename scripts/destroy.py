"""Deletes the stacks of a development environment, and what lies in their buckets: `make destroy ENVIRONMENT=dev`.

CloudFormation deletes no bucket that holds something, and no function of ours could empty one: every role is denied
that. So it is done here, under the rights of whoever asks. What keeps its data is refused; a brought bucket is not
touched. Can be run again after it was interrupted: each step finds what is left.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError

from haulier.contracts.names import Names

BEFORE_DATA = ("workers", "pipeline")
"""Whoever writes to the buckets goes before they are emptied. `access` stays: it is the account's way in."""


class NotDestroyed(Exception):
    """It was refused or did not work; the text says why and what to do."""


class Destruction:
    """Of one environment.

    Args:
        names: of the environment.
        cloudformation: a client.
        s3: a client.
        tell: told what happens, a line each.
    """

    def __init__(self, names: Names, *, cloudformation: Any, s3: Any, tell: Callable[[str], None] = print) -> None:
        self._names = names
        self._cloudformation = cloudformation
        self._s3 = s3
        self._tell = tell

    def stacks(self) -> list[str]:
        """The stacks there are, in the order they are deleted.

        Raises:
            NotDestroyed: the environment keeps its data, or a stack is protected.
        """
        found = [name for part in (*BEFORE_DATA, "data") if self._described(name := self._names.stack(part))]
        for name in found:
            if self._described(name).get("EnableTerminationProtection"):
                raise NotDestroyed(f"{name} is protected against deletion: this is for development")
        data = self._described(self._names.stack("data"))
        told = {output["OutputKey"]: output["OutputValue"] for output in data.get("Outputs", [])}
        if data and (told.get("Profile"), told.get("KeepsData")) != ("dev", "false"):
            raise NotDestroyed(f"{data['StackName']} keeps its data: only an environment of the profile dev can go")
        return found

    def run(self) -> None:
        """Deletes them all; waits.

        Raises:
            NotDestroyed: as `stacks`, or CloudFormation could not delete one.
        """
        for name in self.stacks():
            if name == self._names.stack("data"):
                for bucket in self.buckets():
                    self.empty(bucket)
            self._tell(f"{name}: being deleted")
            self._cloudformation.delete_stack(StackName=name)
            try:
                self._cloudformation.get_waiter("stack_delete_complete").wait(StackName=name)
            except WaiterError as error:
                raise NotDestroyed(
                    f"{name} could not be deleted; its events say why. A bucket that S3's late access logs reached"
                    " again is emptied if this is run once more"
                ) from error

    def buckets(self) -> list[str]:
        """The buckets the Data stack made itself, and that are still there."""
        pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=self._names.stack("data"))
        return [
            resource["PhysicalResourceId"]
            for page in pages
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == "AWS::S3::Bucket"
            and resource["ResourceStatus"] != "DELETE_COMPLETE"
            and resource.get("PhysicalResourceId")
        ]

    def empty(self, bucket: str) -> None:
        """Deletes every version, every mark of a deletion and every unfinished upload."""
        try:
            # From here on no log of its deletions is written into the bucket of logs.
            self._s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise
            self._tell(f"s3://{bucket}: is gone already")
            return
        for page in self._s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for upload in page.get("Uploads", []):
                self._s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        gone = 0
        for versions in self._versions(bucket):
            answer = self._s3.delete_objects(Bucket=bucket, Delete={"Objects": versions, "Quiet": True})
            if wrong := answer.get("Errors"):
                raise NotDestroyed(f"s3://{bucket}/{wrong[0]['Key']}: {wrong[0].get('Message', wrong[0]['Code'])}")
            gone += len(versions)
        self._tell(f"s3://{bucket}: emptied of {gone:,} versions")

    def _versions(self, bucket: str) -> Iterator[list[dict[str, str]]]:
        """All there are, as many at once as one call deletes (S3 lists and deletes 1,000)."""
        for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            listed = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if listed:
                yield [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in listed]

    def _described(self, stack: str) -> dict[str, Any]:
        """The stack; empty if there is none."""
        try:
            found: dict[str, Any] = self._cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return {}
            raise
        return {} if found["StackStatus"] == "DELETE_COMPLETE" else found


def main(arguments: list[str]) -> int:
    """Exit code 1: refused, or it did not work; 0: nothing is left."""
    parser = argparse.ArgumentParser(prog="python -m scripts.destroy", description="Deletes a development environment.")
    parser.add_argument("environment", help="its suffix")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    given = parser.parse_args(arguments)
    session = boto3.Session()
    destruction = Destruction(
        Names(given.environment), cloudformation=session.client("cloudformation"), s3=session.client("s3")
    )
    try:
        stacks = destruction.stacks()
        if not stacks:
            print(f"there is nothing of {given.environment}")
            return 0
        account = session.client("sts").get_caller_identity()["Account"]
        print(f"In account {account}, {session.region_name}: {', '.join(stacks)}, and everything in their buckets")
        if not given.yes:
            _ask(given.environment)
        destruction.run()
    except (NotDestroyed, EOFError) as told:
        print(str(told) or "nothing was deleted", file=sys.stderr)
        return 1
    print(f"nothing of {given.environment} is left")
    return 0


def _ask(environment: str) -> None:
    if input("Type the environment's name to delete them: ").strip() != environment:
        raise NotDestroyed("nothing was deleted")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
