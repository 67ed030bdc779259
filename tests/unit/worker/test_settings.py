import subprocess
import sys

import pytest

from haulier.contracts import environment as names
from haulier.contracts.dataset import WORK_QUEUES
from worker.settings import WrongSettings, read_settings

GOOD = {
    names.TABLE: "jobs",
    names.OUTPUT_BUCKET: "out",
    **{
        name: f"https://sqs/{name.lower()}"
        for name in (
            names.PRIORITY_QUEUE_URL, names.STANDARD_QUEUE_URL, names.BULK_QUEUE_URL, names.ONDEMAND_QUEUE_URL,
            names.PRIORITY_DLQ_URL, names.STANDARD_DLQ_URL, names.BULK_DLQ_URL, names.ONDEMAND_DLQ_URL,
        )
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for name in [name for name in vars(names).values() if isinstance(name, str) and name.startswith(names.PREFIX)]:
        monkeypatch.delenv(name, raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def test_defaults_apply_when_only_what_is_required_is_set():
    settings = read_settings()
    assert (settings.table, settings.slots, settings.lease_seconds) == ("jobs", 8, 90)
    assert settings.queue_urls["bulk"] == GOOD[names.BULK_QUEUE_URL]


def test_a_worker_serves_the_queues_it_is_told_when_it_is_told_some(monkeypatch):
    assert read_settings().queues == WORK_QUEUES
    monkeypatch.setenv(names.QUEUES, "priority, standard,bulk,")
    assert read_settings().queues == ("priority", "standard", "bulk")


@pytest.mark.parametrize("value", [",", "priority,nonsense"])
def test_the_settings_are_refused_when_a_queue_is_none_or_no_queue(monkeypatch, value):
    monkeypatch.setenv(names.QUEUES, value)
    with pytest.raises(WrongSettings, match=names.QUEUES):
        read_settings()


def test_every_mistake_is_told_when_several_are_made(monkeypatch):
    monkeypatch.delenv(names.TABLE)
    monkeypatch.setenv(names.WORKER_SLOTS, "1")
    monkeypatch.setenv(names.LOG_LEVEL, "loud")
    monkeypatch.setenv(names.BULK_QUEUE_URL, "bulk")
    with pytest.raises(WrongSettings) as caught:
        read_settings()
    told = "\n".join(caught.value.problems)
    for name in (names.TABLE, names.WORKER_SLOTS, names.LOG_LEVEL, names.BULK_QUEUE_URL):
        assert name in told


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [(names.HEARTBEAT_SECONDS, "31", names.LEASE_SECONDS), (names.LEASE_SECONDS, "91", names.VISIBILITY_SECONDS)],
)
def test_the_settings_are_refused_when_heartbeat_lease_and_visibility_do_not_fit(monkeypatch, name, value, named):
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings) as caught:
        read_settings()
    assert named in str(caught.value)


def test_the_worker_exits_with_2_and_names_the_variable_when_one_is_missing():
    ran = subprocess.run(
        [sys.executable, "-m", "worker"], env={"PATH": ""}, capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 2
    assert f"{names.TABLE}: is not set" in ran.stderr
    assert "Traceback" not in ran.stderr
