"""Deploys an assembly into the emulator through CloudFormation, as the CDK command line does, without its start-up.

What is published and created is the assembly as it is: templates and assets under the names its manifests give. The
two things `cdk bootstrap` would make for it, the assets' bucket and the version parameter, are made here.
"""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3

from haulier.local.errors import DeployFailed
from haulier.local.stack import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY

STACKS = ("Data", "Pipeline")
"""In the order they depend on each other. Workers run as processes here, so that stack stays out."""
BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_VERSION = "30"
DEPLOY_SECONDS = 120


def deploy(assembly: Path, *, endpoint_url: str) -> Iterator[str]:
    """Creates the stacks, one after the other; yields a line for each.

    Raises:
        DeployFailed: names the resources that could not be created, each with its reason.
    """
    session = boto3.Session(aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=REGION)
    s3: Any = session.client("s3", endpoint_url=endpoint_url)
    ssm: Any = session.client("ssm", endpoint_url=endpoint_url)
    cloudformation: Any = session.client("cloudformation", endpoint_url=endpoint_url)
    # An emulator may have other environments already.
    ssm.put_parameter(Name=BOOTSTRAP_PARAMETER, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True)
    buckets: set[str] = set()
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    for stack in STACKS:
        began = time.monotonic()
        template_url = _publish(s3, assembly, stack, endpoint_url, buckets)
        name = artifacts[stack]["properties"]["stackName"]
        cloudformation.create_stack(
            StackName=name,
            TemplateURL=template_url,
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Tags=[{"Key": key, "Value": value} for key, value in artifacts[stack]["properties"]["tags"].items()],
        )
        resources = _wait(cloudformation, name)
        yield f"{name}: {resources} resources in {time.monotonic() - began:.1f} s"


def _publish(s3: Any, assembly: Path, stack: str, endpoint_url: str, buckets: set[str]) -> str:
    """Uploads the stack's assets; returns the template's address."""
    template = ""
    for asset in json.loads((assembly / f"{stack}.assets.json").read_text())["files"].values():
        source = assembly / asset["source"]["path"]
        if asset["source"]["packaging"] == "zip":
            source = Path(shutil.make_archive(str(source), "zip", source))
        for destination in asset["destinations"].values():
            bucket = _filled_in(destination["bucketName"])
            if bucket not in buckets:
                s3.create_bucket(Bucket=bucket)
                buckets.add(bucket)
            s3.upload_file(str(source), bucket, destination["objectKey"])
            if source.name == f"{stack}.template.json":
                template = f"{endpoint_url}/{bucket}/{destination['objectKey']}"
    return template


def _filled_in(name: str) -> str:
    return name.replace("${AWS::AccountId}", ACCOUNT).replace("${AWS::Region}", REGION)


def _wait(cloudformation: Any, stack: str) -> int:
    """Until the stack is complete; returns the number of its resources."""
    deadline = time.monotonic() + DEPLOY_SECONDS
    while True:
        status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        if status == "CREATE_COMPLETE":
            pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
            return sum(len(page["StackResourceSummaries"]) for page in pages)
        if status != "CREATE_IN_PROGRESS":
            raise DeployFailed(f"stack {stack} is {status}", _reasons(cloudformation, stack))
        if time.monotonic() > deadline:
            raise DeployFailed(
                f"stack {stack} is still {status} after {DEPLOY_SECONDS} s", _reasons(cloudformation, stack)
            )
        time.sleep(0.1)


def _reasons(cloudformation: Any, stack: str) -> str:
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    lines = [
        f"{event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', 'no reason')}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("FAILED")
    ]
    return "\n".join(lines) or "CloudFormation gave no reason"
