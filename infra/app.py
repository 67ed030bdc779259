"""The CDK app: settings → stacks → tags → synth. Needs no account, no network and no Docker.

cdk synth | cdk deploy --all          (settings come from the environment, see `settings`)
python -m infra.app                   (synthesises into cdk.out)
"""

import os
import sys
from pathlib import Path

from aws_cdk import App, DefaultStackSynthesizer
from pydantic import ValidationError

from haulier.contracts.names import Names
from infra.bundle import BundleError, bundle
from infra.deploy_role import AccessStack
from infra.governance import govern
from infra.settings import Settings
from infra.settings.wrong import misspelt, problems
from infra.stacks import DataStack, PipelineStack


def build(settings: Settings, *, code: Path, outdir: Path | None = None) -> App:
    """The app with its stacks, not yet synthesised.

    Args:
        settings: what is deployed.
        code: the directory that becomes the functions' zip.
        outdir: where `synth` writes; CDK's own choice if None.
    """
    app = App(
        outdir=str(outdir) if outdir else None,
        analytics_reporting=False,
        # Pipeline refers to Data's exports: what it uses cannot go from under it.
        context={"@aws-cdk/core:defaultCrossStackReferences": "strong"},
        default_stack_synthesizer=DefaultStackSynthesizer(qualifier=settings.cdk_qualifier),
    )
    names = Names(settings.environment)
    protected = settings.termination_protection
    if settings.deploy_repository:
        AccessStack(
            app,
            names=names,
            settings=settings,
            repository=settings.deploy_repository,
            termination_protection=protected,
            description="Haulier: the role a repository's workflows deploy with",
        )
    data = DataStack(
        app,
        names=names,
        settings=settings,
        termination_protection=protected,
        description="Haulier: buckets and job table",
    )
    PipelineStack(
        app,
        names=names,
        settings=settings,
        data=data,
        code=code,
        termination_protection=protected,
        description="Haulier: queues, functions, state machine",
    )
    govern(app, settings)
    return app


def main() -> int:
    """Synthesises by the settings in the environment. Exit code 2: a setting is wrong; 1: no bundle."""
    for line in misspelt(os.environ):
        sys.stderr.write(f"warning: {line}\n")
    try:
        settings = Settings()
    except ValidationError as error:
        sys.stderr.write("\n".join([*problems(error), ""]))
        return 2
    try:
        code = bundle(settings)
    except BundleError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    build(settings, code=code).synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
