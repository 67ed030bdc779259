"""Who may take a role: a service of AWS, and only when it acts for this account (the confused deputy problem)."""

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam


def service_principal(service: str, *, source_arn: str | Sequence[str] | None = None) -> iam.ServicePrincipal:
    """A service that acts for a resource of this account.

    Args:
        service: `lambda.amazonaws.com`, for instance.
        source_arn: for which resources; `*` and `?` as in ArnLike. Made of names, not of the resource itself: a role
            that waits for what waits for the role is a cycle. None where the service documents no ARN that it sends
            when it takes a role: a condition on a key that is not sent is never met, and then nothing runs at all.
    """
    conditions: dict[str, dict[str, object]] = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
    if source_arn is not None:
        conditions["ArnLike"] = {"aws:SourceArn": source_arn if isinstance(source_arn, str) else list(source_arn)}
    return iam.ServicePrincipal(service, conditions=conditions)


def functions_principal() -> iam.ServicePrincipal:
    """Lambda, for a function of this account.

    Its guide says of no key that it is sent when it takes a function's role, polls a queue with it or hands over a
    failure. So both are looked at only where they are sent: a condition that is never met would stop every function,
    and it guards little, since a role can be passed to functions of its own account only (IAM User Guide, PassRole).
    """
    of_this_account = {"StringEqualsIfExists": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
    of_lambda = {"ArnLikeIfExists": {"aws:SourceArn": arn("lambda", "*")}}
    return iam.ServicePrincipal("lambda.amazonaws.com", conditions=of_this_account | of_lambda)


def arn(service: str, resource: str) -> str:
    """The ARN of a resource of this account and region, by its name."""
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"
