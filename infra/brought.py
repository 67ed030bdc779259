"""What the owner of a brought bucket or key must apply, as JSON: nothing of theirs is changed by the stacks.

    python -m scripts.brought --account ACCOUNT --region REGION     (both are the stack's; settings as for `cdk deploy`)

The rights are read from the templates themselves, so that they are what the roles have and nothing else.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from haulier.contracts.names import Names
from infra import lifecycle
from infra.app import build
from infra.encryption import OF_A_TABLE
from infra.settings import Settings
from infra.settings.wrong import problems

Json = dict[str, Any]


def what_owners_apply(settings: Settings, *, account: str, region: str, partition: str = "aws") -> Json:
    """Bucket or key → what to apply to it.

    Args:
        settings: of the deployment.
        account: the stack's.
        region: the stack's.
        partition: the stack's.
    """
    roles = f"arn:{partition}:iam::{account}:role{settings.role_path}{Names(settings.environment).prefix}-*"
    who = {"account": account, "region": region, "partition": partition, "roles": roles}
    found: Json = {}
    buckets = {name: rules for name, rules in _buckets(settings).items() if name}
    granted = rights(templates(settings), buckets, partition=partition) if settings.bucket_owner else {}
    for name, rules in buckets.items():
        arn = f"arn:{partition}:s3:::{name}"
        found[name] = {
            "put-bucket-policy": _policy([_tls_only(arn), *(_let(who, *right) for right in granted.get(name, ()))]),
            "put-bucket-lifecycle-configuration": {"Rules": [lifecycle.in_s3(rule) for rule in rules]},
            "put-bucket-versioning": {"Status": "Enabled"},
        }
        if name == settings.input_bucket_name:
            found[name]["put-bucket-notification-configuration"] = {"EventBridgeConfiguration": {}}
            if settings.bucket_owner:
                found[name]["forward its events"] = _forward(name, settings, who)
    if settings.kms_key_arn:
        found[settings.kms_key_arn] = {"statements of the key's policy": _use_of_key(who)}
    return found


def templates(settings: Settings) -> Iterator[Json]:
    """The stacks' templates. What functions consist of does not matter here."""
    with tempfile.TemporaryDirectory() as work:
        code, out = Path(work) / "code", Path(work) / "out"
        code.mkdir()
        (code / "empty.py").write_text("")
        build(settings, code=code, outdir=out).synth()
        for path in sorted(out.glob("*.template.json")):
            yield json.loads(path.read_text())


def rights(
    made: Iterator[Json], buckets: Mapping[str, object], *, partition: str
) -> dict[str, list[tuple[str, list[str]]]]:
    """Bucket → what the roles' policies allow there: a resource's ARN and its actions, both in order."""
    found: dict[str, dict[str, set[str]]] = {}
    for statement in _allowed(made):
        for resource in _listed(statement["Resource"]):
            arn = written_out(resource, partition)
            name = arn.removeprefix(f"arn:{partition}:s3:::").split("/")[0]
            if name in buckets:
                found.setdefault(name, {}).setdefault(arn, set()).update(_listed(statement["Action"]))
    return {
        name: [(arn, sorted(actions)) for arn, actions in sorted(of_name.items())] for name, of_name in found.items()
    }


def written_out(value: Any, partition: str) -> str:
    """A value of a template as text; what only the deployment knows is left out."""
    match value:
        case str():
            return value
        case {"Ref": "AWS::Partition"}:
            return partition
        case {"Fn::Join": [str(between), [*pieces]]}:
            return between.join(written_out(piece, partition) for piece in pieces)
        case _:
            return ""


def main(arguments: list[str]) -> int:
    """Prints. Exit code 2: a setting is wrong, or nothing of one's own is brought."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.brought", description="What owners of brought things apply."
    )
    parser.add_argument("--account", required=True, help="the stack's account")
    parser.add_argument("--region", required=True, help="the stack's region")
    parser.add_argument("--partition", default="aws", help="the stack's partition")
    given = parser.parse_args(arguments)
    try:
        settings = Settings()
    except ValidationError as error:
        sys.stderr.write("\n".join([*problems(error), ""]))
        return 2
    found = what_owners_apply(settings, account=given.account, region=given.region, partition=given.partition)
    if not found:
        sys.stderr.write("the settings bring no bucket and no key: the stacks make all of it\n")
        return 2
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 0


def _buckets(settings: Settings) -> dict[str | None, list[lifecycle.Rule]]:
    both = lifecycle.of_every_bucket(settings)
    of_input, of_output = lifecycle.of_input(settings), lifecycle.of_output(settings)
    if settings.one_bucket:
        return {settings.input_bucket_name: [*both, *of_input, *of_output]}
    return {
        settings.input_bucket_name: [*both, *of_input],
        settings.output_bucket_name: [*both, *of_output],
    }


def _policy(statements: list[Json]) -> Json:
    return {"Version": "2012-10-17", "Statement": statements}


def _tls_only(arn: str) -> Json:
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _let(who: Mapping[str, str], resource: str, actions: list[str]) -> Json:
    """In another account an identity policy is not enough: the bucket's must agree. Within one account it is."""
    return {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{who['partition']}:iam::{who['account']}:root"},
        "Action": actions,
        "Resource": resource,
        "Condition": {"ArnLike": {"aws:PrincipalArn": who["roles"]}},
    }


def _forward(bucket: str, settings: Settings, who: Mapping[str, str]) -> Json:
    """S3 tells the default bus of the bucket's account only, so a rule there sends it on; our bus allows that."""
    bus = f"arn:{who['partition']}:events:{who['region']}:{who['account']}:event-bus/default"
    return {
        "put-rule": {
            "EventPattern": {
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {
                    "bucket": {"name": [bucket]},
                    "object": {"key": [{"prefix": prefix} for prefix in settings.input_prefixes]},
                },
            }
        },
        "put-targets": {"Arn": bus, "RoleArn": "a role events.amazonaws.com may take, with the policy below"},
        "policy of that role": _policy([{"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}]),
    }


def _use_of_key(who: Mapping[str, str]) -> list[Json]:
    def through(services: list[str]) -> Json:
        return {
            "StringEquals": {"kms:CallerAccount": who["account"]},
            "StringLike": {"kms:ViaService": [f"{name}.{who['region']}.amazonaws.com" for name in services]},
        }

    us = {"AWS": f"arn:{who['partition']}:iam::{who['account']}:root"}
    return [
        {
            "Sid": "HaulierUsesIt",
            "Effect": "Allow",
            "Principal": us,
            "Action": list(OF_A_TABLE),
            "Resource": "*",
            "Condition": through(["s3", "dynamodb"]),
        },
        {
            "Sid": "HaulierMakesItsTableWithIt",
            "Effect": "Allow",
            "Principal": us,
            "Action": ["kms:CreateGrant"],
            "Resource": "*",
            "Condition": through(["dynamodb"]) | {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    ]


def _allowed(made: Iterator[Json]) -> Iterator[Json]:
    for template in made:
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::IAM::Policy":
                for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                    if statement["Effect"] == "Allow":
                        yield statement


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
