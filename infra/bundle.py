"""What the functions' zip holds: the dispatcher, the parts of haulier it imports, and its dependencies for the target.

Built without Docker: wheels are fetched by pip for the function's platform, at the versions and hashes of
requirements.lock. Kept under `.cache/` by a hash of everything that goes in, so that it is built once; and what the
wheels hold by itself, so that a changed source needs no network. `make setup` fetches it for the default target:

    python -m infra.bundle
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

from infra.settings import Settings

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCES = ("haulier/__init__.py", "haulier/contracts", "haulier/jobs", "dispatcher")
LOCK = "requirements.lock"
REQUIREMENTS = ("annotated-types", "pydantic", "pydantic-core", "pyyaml", "typing-extensions", "typing-inspection")
"""The `dispatcher` extra of pyproject.toml and all it needs, names as in the lock; botocore comes with the runtime."""
PLATFORMS = {"arm64": "manylinux2014_aarch64", "x86_64": "manylinux2014_x86_64"}
_LAYOUT = b"1"


class BundleError(Exception):
    """The functions' zip could not be built; the text says what pip said."""


def bundle(settings: Settings, *, repository: Path = REPOSITORY) -> Path:
    """The directory that becomes the functions' zip.

    Args:
        settings: names the target: `lambda_python` and `lambda_platform`; for `host` no dependency is bundled.
        repository: where the sources and requirements.lock lie.

    Raises:
        BundleError: the dependencies could not be fetched.
    """
    cache = repository / ".cache" / "bundle"
    target = cache / fingerprint(settings, repository)
    if target.is_dir():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as work:
        building = Path(work) / "bundle"
        building.mkdir()
        for path in _files(repository):
            copy = building / path.relative_to(repository)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        if settings.lambda_platform != "host":
            shutil.copytree(dependencies(settings, repository=repository), building, dirs_exist_ok=True)
        _publish(building, target)
    return target


def dependencies(settings: Settings, *, repository: Path = REPOSITORY) -> Path:
    """The directory with what the dispatcher depends on, for the target; fetched once.

    Raises:
        BundleError: it could not be fetched.
    """
    pinned = pins((repository / LOCK).read_text(), REQUIREMENTS)
    cache = repository / ".cache" / "dependencies"
    named = f"{settings.lambda_python} {settings.lambda_platform}\n{pinned}"
    target = cache / hashlib.sha256(named.encode()).hexdigest()[:32]
    if not target.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as work:
            building = Path(work) / "dependencies"
            _install(building, settings, pinned)
            _publish(building, target)
    return target


def fingerprint(settings: Settings, repository: Path) -> str:
    """A hash of all that decides the bundle's content: sources, target and, where they are bundled, the lock."""
    digest = hashlib.sha256(_LAYOUT)
    files = list(_files(repository))
    if settings.lambda_platform != "host":
        digest.update(f"{settings.lambda_python} {settings.lambda_platform}".encode())
        files.append(repository / LOCK)
    for path in files:
        digest.update(f"\0{path.relative_to(repository).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:32]


def _files(repository: Path) -> list[Path]:
    found: list[Path] = []
    for source in SOURCES:
        path = repository / source
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return found


def _publish(building: Path, target: Path) -> None:
    # Another synth may have built the same bundle meanwhile: theirs is as good as ours.
    try:
        building.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _install(building: Path, settings: Settings, pinned: str) -> None:
    requirements = building.parent / "requirements.txt"
    requirements.write_text(pinned)
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps",
        "--only-binary=:all:", "--implementation", "cp",
        "--python-version", settings.lambda_python, "--platform", PLATFORMS[settings.lambda_platform],
        "--target", str(building), "--require-hashes", "--requirement", str(requirements),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode:
        raise BundleError(
            f"pip could not fetch {', '.join(REQUIREMENTS)} for Python {settings.lambda_python} on "
            f"{settings.lambda_platform}:\n{done.stderr.strip()}"
        )


def pins(lock: str, names: Collection[str]) -> str:
    """The lock's entries for `names`: each with its version and hashes.

    Raises:
        BundleError: the lock has no entry for one of them.
    """
    entries = {entry.split("==")[0]: entry for entry in re.split(r"(?m)^(?=[A-Za-z0-9])", lock) if "==" in entry}
    if missing := sorted(set(names) - entries.keys()):
        raise BundleError(f"{LOCK} pins no {', '.join(missing)}: make it anew from pyproject.toml")
    return "".join(entries[name] for name in sorted(names))


def main() -> int:
    """Fetches what a later synth needs. Exit code 1: there was no way to."""
    settings = Settings()
    try:
        if settings.lambda_platform != "host":
            dependencies(settings)
    except BundleError as error:
        sys.stderr.write(f"{error}\n`make synth` and `cdk deploy` will try again\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
