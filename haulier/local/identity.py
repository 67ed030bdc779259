"""The shipped worker role, for workers that are no ECS tasks.

Only its trust policy is widened, after deployment and in the emulator: what a worker may do here is what it may do on
AWS, and a missing permission fails here first.
"""

import json
import shlex
import sys
from typing import Any

import boto3

from haulier.contracts.names import Names
from haulier.local.home import Home
from haulier.local.stack import ACCESS_KEY, REGION, SECRET_KEY, StackInfo


def adopt_worker_role(home: Home, info: StackInfo) -> None:
    """Lets the account's owner take the worker's role, and writes the AWS configuration by which workers do."""
    session = boto3.Session(aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=info.region)
    iam: Any = session.client("iam", endpoint_url=info.endpoint_url)
    name = Names(info.environment).worker_role
    role = iam.get_role(RoleName=name)["Role"]
    trust = role["AssumeRolePolicyDocument"]
    policy = json.loads(trust) if isinstance(trust, str) else trust
    owner = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": f"arn:aws:iam::{info.account}:root"},
    }
    iam.update_assume_role_policy(
        RoleName=name, PolicyDocument=json.dumps(policy | {"Statement": [*policy["Statement"], owner]})
    )
    home.aws_config.write_text(aws_config(info.endpoint_url, role["Arn"]))


def aws_config(endpoint_url: str, role_arn: str) -> str:
    """An AWS configuration whose default profile asks `credentials` for the role's keys, anew before they expire."""
    command = shlex.join([sys.executable, "-m", "haulier.local.credentials", endpoint_url, role_arn])
    return f"[default]\nregion = {REGION}\ncredential_process = {command}\n"
