"""What the layout promises: small files, names that are concepts, a reading order that is complete."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("haulier", "dispatcher", "worker", "infra", "bench")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
INITS = [path for path in MODULES if path.name == "__init__.py"]
MOST_LINES = 350
MOST_LINES_OF_A_FUNCTION = 60
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "managers"}
FAST = ("tests/unit", "tests/faults", "tests/infra")


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_a_module_can_be_read_in_one_sitting(path):
    assert len(path.read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_a_function_can_be_seen_whole(path):
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = [
        f"{f.name}: {f.end_lineno - f.lineno + 1}"
        for f in functions
        if f.end_lineno - f.lineno + 1 > MOST_LINES_OF_A_FUNCTION
    ]
    assert not long


def test_every_module_is_named_for_its_concept():
    assert not [shown(path) for path in MODULES if path.stem.lower() in FORBIDDEN]


@pytest.mark.parametrize("init", INITS, ids=shown)
def test_a_package_names_each_of_its_modules_in_reading_order(init):
    named = ast.get_docstring(ast.parse(init.read_text())) or ""
    siblings = {path.stem for path in init.parent.glob("*.py")} - {"__init__", "__main__"}
    siblings |= {path.parent.name for path in init.parent.glob("*/__init__.py")}
    assert not sorted(name for name in siblings if not re.search(rf"`{name}`", named))


def test_docker_is_no_package_since_it_would_shadow_the_one_of_that_name():
    assert not list((ROOT / "docker").rglob("__init__.py"))


def test_infra_has_no_folder_that_shadows_the_constructs_library():
    assert not (ROOT / "infra" / "constructs").exists()


def test_fast_tests_never_sleep():
    sleeping = re.compile(r"\b(time|asyncio)\.sleep\((?!0\))")
    guilty = [
        shown(path) for folder in FAST for path in (ROOT / folder).rglob("*.py") if sleeping.search(path.read_text())
    ]
    assert not guilty


def test_no_machine_and_no_registry_is_named():
    # Assembled, so that this file does not name them either.
    forbidden = re.compile(
        "|".join(
            [
                "/" + "work/",
                "/" + "root/",
                "/" + "home/[a-z]",
                "files.python" + "hosted",
                "pypi" + r"\.org",
                "registry" + r"\.npmjs",
            ]
        )
    )
    kinds = {".py", ".md", ".toml", ".yml", ".yaml", ".lock", ".json", ""}
    skipped = {".venv", ".git", "node_modules", ".haulier", ".cache", "cdk.out"}
    guilty = [
        shown(path)
        for path in ROOT.rglob("*")
        if path.is_file()
        and path.suffix in kinds
        and not skipped & set(path.relative_to(ROOT).parts)
        and not any(part.startswith(".") and part != ".ci" for part in path.relative_to(ROOT).parts[:-1])
        and forbidden.search(path.read_text(errors="replace"))
    ]
    assert not guilty


def test_every_relative_link_of_the_docs_leads_somewhere():
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    broken = [
        f"{shown(page)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not broken


def test_every_test_the_failure_modes_name_exists():
    page = ROOT / "docs" / "failure-modes.md"
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", page.read_text())
    assert len(named) >= 10
    missing = [f"{file}::{test}" for file, test in named if f"def {test}(" not in (ROOT / file).read_text()]
    assert not missing
