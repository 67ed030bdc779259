from importlib.metadata import requires
from pathlib import Path

import pytest

from infra.bundle import LOCK, REPOSITORY, REQUIREMENTS, BundleError, bundle, fingerprint, pins
from infra.settings import Settings

HOST = Settings(lambda_platform="host")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for file in ("haulier/__init__.py", "haulier/contracts/a.py", "haulier/jobs/b.py", "dispatcher/c.py", LOCK):
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {file}\n")
    (tmp_path / "haulier/cli").mkdir()
    (tmp_path / "haulier/cli/d.py").write_text("")
    return tmp_path


def test_the_zip_holds_the_dispatcher_and_what_it_imports_of_haulier(repository: Path):
    built = bundle(HOST, repository=repository)
    files = {str(path.relative_to(built)) for path in built.rglob("*") if path.is_file()}
    assert files == {"haulier/__init__.py", "haulier/contracts/a.py", "haulier/jobs/b.py", "dispatcher/c.py"}


def test_the_same_sources_are_built_once(repository: Path):
    built = bundle(HOST, repository=repository)
    (built / "mark").write_text("")
    assert (bundle(HOST, repository=repository) / "mark").exists()


def test_a_changed_source_gives_another_bundle(repository: Path):
    before = fingerprint(HOST, repository)
    (repository / "dispatcher/c.py").write_text("changed\n")
    assert fingerprint(HOST, repository) != before


def test_the_target_and_the_lock_count_only_where_dependencies_are_bundled(repository: Path):
    arm = Settings(lambda_platform="arm64")
    before = fingerprint(HOST, repository), fingerprint(arm, repository)
    (repository / LOCK).write_text("other\n")
    assert fingerprint(HOST, repository) == before[0]
    assert fingerprint(arm, repository) != before[1]
    assert fingerprint(arm, repository) != fingerprint(Settings(lambda_platform="x86_64"), repository)


def test_what_the_wheels_hold_is_fetched_once_whatever_changes_in_the_sources(
    repository: Path, monkeypatch: pytest.MonkeyPatch
):
    fetched: list[str] = []

    def install(building: Path, _settings: Settings, pinned: str) -> None:
        fetched.append(pinned)
        building.mkdir()
        (building / "pydantic.py").write_text("")

    monkeypatch.setattr("infra.bundle._install", install)
    lock = "".join(f"{name}==1 \\\n    --hash=sha256:aa\n" for name in REQUIREMENTS)
    (repository / LOCK).write_text(lock)
    arm = Settings(lambda_platform="arm64")
    first = bundle(arm, repository=repository)
    assert {path.name for path in first.iterdir()} == {"haulier", "dispatcher", "pydantic.py"}
    (repository / "dispatcher/c.py").write_text("changed\n")
    (repository / LOCK).write_text(lock + "other==1\n")
    assert bundle(arm, repository=repository) != first
    assert len(fetched) == 1
    bundle(Settings(lambda_platform="x86_64"), repository=repository)
    (repository / LOCK).write_text(lock.replace("==1", "==2"))
    bundle(arm, repository=repository)
    assert len(fetched) == 3


def test_pins_are_the_lock_s_entries_with_their_hashes():
    lock = "a==1 \\\n    --hash=sha256:aa\n    # via b\nb-c==2 \\\n    --hash=sha256:bb\n"
    assert pins(lock, ["b-c"]) == "b-c==2 \\\n    --hash=sha256:bb\n"


def test_a_dependency_the_lock_does_not_pin_is_named():
    with pytest.raises(BundleError, match="pins no missing"):
        pins("a==1\n", ["a", "missing"])


def test_every_dependency_of_a_dependency_is_bundled_and_pinned():
    names = {_name(line) for root in REQUIREMENTS for line in requires(root) or [] if "extra ==" not in line}
    assert names <= set(REQUIREMENTS)
    assert pins((REPOSITORY / LOCK).read_text(), REQUIREMENTS)


def _name(requirement: str) -> str:
    name = requirement
    for mark in "<>=!~ ;[(":
        name = name.split(mark)[0]
    return name.lower().replace("_", "-")
