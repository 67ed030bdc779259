"""The app as it ships, for the environment `test`."""

import pytest

from tests.iam.roles import Role, roles
from tests.iam.template import Templates
from tests.infra.conftest import PROFILES, _node, shipped

__all__ = ["_node"]


@pytest.fixture(scope="session", params=sorted(PROFILES))
def templates(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """Those of each profile."""
    return Templates(shipped(request.param, tmp_path_factory).outdir)


@pytest.fixture(scope="session")
def prod_templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return Templates(shipped("prod", tmp_path_factory).outdir)


@pytest.fixture(scope="session")
def dev_templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return Templates(shipped("dev", tmp_path_factory).outdir)


@pytest.fixture(scope="session")
def full_templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return Templates(shipped("full", tmp_path_factory).outdir)


@pytest.fixture(scope="session")
def every_role(templates: Templates) -> list[Role]:
    return roles(templates)
