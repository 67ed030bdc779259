"""The CDK app: settings → stacks → tags → synth. Needs no account, no network and no Docker.

cdk synth | cdk deploy --all          (settings come from the environment, see `settings`)
python -m infra.app                   (synthesises into cdk.out)
"""

import sys
from pathlib import Path

from aws_cdk import App, Tags
from pydantic import ValidationError

from haulier.contracts.names import Names
from infra.bundle import BundleError, bundle
from infra.settings import Settings
from infra.stacks import DataStack, PipelineStack


def build(settings: Settings, *, code: Path, outdir: Path | None = None) -> App:
    """The app with its stacks, not yet synthesised.

    Args:
        settings: what is deployed.
        code: the directory that becomes the functions' zip.
        outdir: where `synth` writes; CDK's own choice if None.
    """
    app = App(outdir=str(outdir) if outdir else None, analytics_reporting=False)
    names = Names(settings.environment)
    protected = settings.keeps_data
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
    Tags.of(app).add("haulier:environment", settings.environment)
    return app


def main() -> int:
    """Synthesises by the settings in the environment. Exit code 2: a setting is wrong; 1: no bundle."""
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(("HAULIER", *map(str, problem["loc"]))).upper()
            sys.stderr.write(f"{name}: {problem['msg']}\n")
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
