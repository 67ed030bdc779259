"""What holds for every role and every resource: permissions boundary, path, tags."""

from aws_cdk import App, Stack, Tags
from aws_cdk import aws_iam as iam

from infra.settings import Settings


def govern(app: App, settings: Settings) -> None:
    """To be called when every construct is made: roles are looked for once, in the order they were made."""
    for key, value in tags(settings).items():
        Tags.of(app).add(key, value)
    boundary = settings.permissions_boundary
    if boundary is None and settings.role_path == "/":
        return
    for role in (node for node in app.node.find_all() if isinstance(node, iam.CfnRole)):
        if settings.role_path != "/":
            role.path = settings.role_path
        if boundary is not None:
            role.permissions_boundary = _arn(boundary, Stack.of(role))


def tags(settings: Settings) -> dict[str, str]:
    """Key → value; the settings' own tags may say otherwise.

    Whatever the case of their letters: IAM refuses a role with `owner` and `Owner` (IAM User Guide, "Tags for IAM
    resources").
    """
    said = {key.lower() for key in settings.tags}
    named = {
        "environment": settings.environment,
        "project": settings.project,
        "cost-centre": settings.cost_centre,
        "owner": settings.owner,
    }
    return {key: value for key, value in named.items() if value and key not in said} | settings.tags


def _arn(boundary: str, stack: Stack) -> str:
    if boundary.startswith("arn:"):
        return boundary
    return f"arn:{stack.partition}:iam::{stack.account}:policy/{boundary}"
