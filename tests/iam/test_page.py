from haulier.local.clone import repository
from tests.iam.page import render
from tests.iam.template import Templates


def test_the_page_says_what_the_templates_say(prod_templates: Templates) -> None:
    page = repository() / "docs" / "permissions.md"
    assert page.read_text() == render(prod_templates), "not what the code says: python -m tests.iam"
