"""What docs/operations.md tells people to type is there to be typed."""

import re

import pytest
from typer.main import get_command

from haulier.cli.app import app
from infra.settings import Settings
from tests.infra.alarmed import OPERATIONS, sections
from tests.infra.conftest import Stacks

TEXT = OPERATIONS.read_text()
COMMANDS = sorted(set(re.findall(r"(?:^|`)haulier ((?:[a-z]+)(?: [^`\n|]*)?)", TEXT, re.MULTILINE)))


def test_each_section_says_what_it_means_where_to_look_what_to_do_and_when_to_worry():
    for section in TEXT.split("\n### ")[1:]:
        for part in ("**Means**: ", "**Look first**", "**Do**: ", "**Worry when** "):
            assert section.count(part) == 1, (section.splitlines()[0], part)


def test_every_link_within_the_page_leads_to_a_section():
    assert set(re.findall(r"\]\(#([\w-]+)\)", TEXT)) <= set(sections())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_ours_exists_with_its_options(command: str):
    node = get_command(app)
    words = command.split()
    while words and hasattr(node, "commands"):
        node = node.commands[words.pop(0)]
    options = {name for parameter in node.params for name in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= options


def test_every_setting_it_names_exists():
    known = {f"HAULIER_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"HAULIER_[A-Z_]+", TEXT)) <= known


def test_every_log_and_every_queue_it_names_exists(prod: Stacks):
    named = [r["Properties"]["LogGroupName"] for r in prod.of_type("AWS::Logs::LogGroup").values()]
    # The last is the Workers stack's.
    groups = {name for name in named if isinstance(name, str)} | {"/ecs/haulier-test-worker"}
    for group in re.findall(r"aws logs tail (\S+)", TEXT):
        assert group.replace("$ENV", "test") in groups
    queues = {r["Properties"]["QueueName"] for r in prod.of_type("AWS::SQS::Queue").values()}
    for queue in re.findall(r"--queue-name (\S+)", TEXT):
        assert queue.replace("$ENV", "test") in queues
    for queue in re.findall(r"`([a-z]+-dlq(?:\.fifo)?)`", TEXT):
        assert f"haulier-test-{queue}" in queues
