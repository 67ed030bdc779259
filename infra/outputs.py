"""What a person wants to know after a deployment."""

from collections.abc import Mapping

from aws_cdk import CfnOutput
from constructs import Construct


def outputs(scope: Construct, values: Mapping[str, str]) -> None:
    """Writes name → value as outputs of the stack `scope`."""
    for name, value in values.items():
        CfnOutput(scope, name, value=value)
