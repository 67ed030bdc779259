"""The sample rules of `examples/rules` choose from the events that are really published."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dispatcher.notify import Notifier
from tests.unit.dispatcher.builders import a_notifier
from tests.unit.dispatcher.cloud import Cloud
from tests.unit.dispatcher.test_notify import a_change, a_job

RULES = Path(__file__).parents[3] / "examples" / "rules"


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether EventBridge would choose the event, for patterns of plain values: every field that the pattern names is
    there and has one of its values (EventBridge User Guide, "Creating event patterns").
    """
    return all(
        matches(wanted, event.get(name) or {}) if isinstance(wanted, Mapping) else event.get(name) in wanted
        for name, wanted in pattern.items()
    )


def published(new: dict[str, Any]) -> dict[str, Any]:
    """The event on the bus, as a rule sees it."""
    cloud = Cloud()
    cloud.items[new["job_id"]["S"], new["sk"]["S"]] = new
    notifier: Notifier = a_notifier(cloud)
    assert notifier.batch([a_change(new, a_job("RUNNING"))]) == {"batchItemFailures": []}
    (entry,) = cloud.events
    return {"source": entry["Source"], "detail-type": entry["DetailType"], "detail": json.loads(entry["Detail"])}


@pytest.mark.parametrize(
    ("state", "file_type", "chosen"),
    [
        ("SUCCEEDED", "csv", True),
        ("SUCCEEDED", "tsv", True),
        ("SUCCEEDED", "jsonl", False),
        ("SEALED", "csv", False),
        ("FAILED", None, False),
    ],
)
def test_the_sample_rule_on_file_type_chooses_tables_that_are_done(
    state: str, file_type: str | None, chosen: bool
) -> None:
    pattern = json.loads((RULES / "csv-succeeded.json").read_text())
    more = {"file_type": file_type} if file_type else {}

    assert matches(pattern, published(a_job(state, **more))) is chosen


def test_every_sample_rule_has_a_test() -> None:
    assert [rule.name for rule in RULES.iterdir()] == ["csv-succeeded.json"]
