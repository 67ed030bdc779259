import json
from datetime import timedelta
from typing import Any

import pytest

from dispatcher.reconcile import Reconcile
from dispatcher.settings import ReconcileSettings, read
from haulier.contracts.source import Source
from haulier.jobs.identity import requested_job_id, storage_job_id
from haulier.jobs.reconcile import Reach
from tests.unit.dispatcher.builders import INPUT, NOW, an_environment, an_intake, created, failed, records, requested
from tests.unit.dispatcher.cloud import WRITTEN, Cloud, Died

PLENTY = 900_000
INTAKE = "https://queue/intake"


def a_reconcile(cloud: Cloud, **changes: str) -> Reconcile:
    return Reconcile(read(ReconcileSettings, an_environment(**changes)), cloud.perform, lambda: NOW)


def look(
    cloud: Cloud, left_ms: int = PLENTY, after_seconds: float | None = None, since: str | None = None, **changes: str
) -> dict[str, Any]:
    return a_reconcile(cloud, **changes).round(lambda: left_ms, after_seconds=after_seconds, since=since)


def an_input(cloud: Cloud, key: str, *, hours: float = 2, body: bytes = b"x") -> str:
    return cloud.put(INPUT, key, body, written=WRITTEN - timedelta(hours=hours))


def asked(cloud: Cloud) -> list[str]:
    bodies = [json.loads(message["MessageBody"]) for message in cloud.sent if message["QueueUrl"] == INTAKE]
    return [body["detail"]["key"] for body in bodies]


def intake(cloud: Cloud) -> None:
    """Takes in what was asked for, as the queue would bring it."""
    bodies = [message["MessageBody"] for message in cloud.sent if message["QueueUrl"] == INTAKE]
    cloud.sent = [message for message in cloud.sent if message["QueueUrl"] != INTAKE]
    assert failed(an_intake(cloud).batch(records(*bodies))) == []


def test_an_input_without_a_job_gets_one_and_is_not_asked_for_again() -> None:
    cloud = Cloud()
    an_input(cloud, "incoming/naïve name+1.csv")

    assert look(cloud) == {"inputs": 1, "young": 0, "old": 0, "earlier": 0, "requested": 1, "complete": True}
    intake(cloud)
    (job,) = cloud.rows("job")
    assert (job["key"], job["status"], job["cause"]) == ("incoming/naïve name+1.csv", "QUEUED", "")
    assert look(cloud)["requested"] == 0


def test_an_input_whose_event_came_is_left_alone_until_it_is_written_again() -> None:
    cloud = Cloud()
    etag = an_input(cloud, "incoming/a.csv")
    an_intake(cloud).batch(records(created("incoming/a.csv", etag=etag)))
    assert look(cloud)["requested"] == 0

    an_input(cloud, "incoming/a.csv", body=b"other")
    assert look(cloud)["requested"] == 1


@pytest.mark.parametrize("cause", ["", "backfill-7"])
def test_an_input_that_somebody_asked_for_is_seen_whatever_the_cause(cause: str) -> None:
    """Also a member of a batch, which is such a request."""
    cloud = Cloud()
    an_input(cloud, "incoming/a.csv")
    an_intake(cloud).batch(records(requested(bucket=INPUT, key="incoming/a.csv", cause=cause)))
    assert look(cloud)["requested"] == 0

    an_input(cloud, "incoming/a.csv", body=b"other")
    assert look(cloud)["requested"] == 1


def test_what_a_request_notes_does_not_hide_an_event() -> None:
    cloud = Cloud()
    etag = an_input(cloud, "incoming/a.csv")
    an_intake(cloud).batch(records(requested(bucket=INPUT, key="incoming/a.csv", cause="mine")))
    an_intake(cloud).batch(records(created("incoming/a.csv", etag=etag)))
    assert [job["status"] for job in cloud.rows("job")] == ["QUEUED", "QUEUED"]


def test_in_a_bucket_with_versions_a_late_event_finds_the_job_that_was_asked_for() -> None:
    source = Source(bucket="b", key="k", size=1, etag="e", version_id="v1")
    event = storage_job_id(bucket="b", key="k", version_id="v1", sequencer="01", dataset="d")
    assert requested_job_id(source, "d", "") == event


def test_only_input_of_the_right_age_is_asked_for() -> None:
    cloud = Cloud()
    an_input(cloud, "incoming/young.csv", hours=0.9)
    an_input(cloud, "incoming/old.csv", hours=31 * 24)
    for key in ("incoming/folder/", "config/datasets/x.yaml", "elsewhere/a.csv", "incoming/due.csv"):
        an_input(cloud, key)

    assert look(cloud) == {"inputs": 3, "young": 1, "old": 1, "earlier": 0, "requested": 1, "complete": True}
    assert asked(cloud) == ["incoming/due.csv"]
    assert look(cloud, INPUT_PREFIXES="incoming/,config/")["inputs"] == 3


def test_a_person_may_have_younger_ones_looked_for() -> None:
    cloud = Cloud()
    an_input(cloud, "incoming/young.csv", hours=0)
    assert look(cloud, after_seconds=0)["requested"] == 1


def test_what_was_there_before_the_stack_is_left_alone_until_a_person_asks_for_it() -> None:
    """A stack that is put before a bucket of old files must not process a month of them in its first night."""
    cloud = Cloud()
    cloud.table.made = WRITTEN - timedelta(hours=5)
    for hours in (5.1, 4.9, 40 * 24):
        an_input(cloud, f"incoming/{hours}.csv", hours=hours)

    assert look(cloud) == {"inputs": 3, "young": 0, "old": 1, "earlier": 1, "requested": 1, "complete": True}
    assert asked(cloud) == ["incoming/4.9.csv"]
    intake(cloud)

    # What was noted first stays: a table that is restored is younger than what it knows.
    cloud.table.made = WRITTEN
    an_input(cloud, "incoming/lost.csv", hours=3)
    assert look(cloud)["requested"] == 1
    cloud.sent.clear()
    assert look(cloud, since="2026-11-20T00:00:00Z")["earlier"] == 0
    assert asked(cloud) == ["incoming/5.1.csv", "incoming/lost.csv"]
    with pytest.raises(ValueError, match="lately"):
        look(cloud, since="lately")


def test_how_far_to_look_back_holds_for_the_whole_round_and_for_no_other() -> None:
    cloud = Cloud(page=2)
    cloud.table.made = WRITTEN
    keys = [f"incoming/{number}.csv" for number in range(5)]
    for key in keys:
        an_input(cloud, key)
    # A round that is on is given up for it.
    assert not look(cloud, left_ms=0)["complete"]

    answers = [look(cloud, since="2026-11-20T00:00:00Z", RECONCILE_MOST_JOBS="2")]
    while not answers[-1]["complete"]:
        answers.append(look(cloud, RECONCILE_MOST_JOBS="2"))

    assert asked(cloud) == keys
    assert look(cloud)["requested"] == 0


def test_a_prefix_that_becomes_input_later_is_looked_after_from_then_on() -> None:
    cloud = Cloud()
    look(cloud)
    an_input(cloud, "incoming/lost.csv")
    an_input(cloud, "landing/old.csv")

    assert look(cloud, INPUT_PREFIXES="incoming/,landing/")["earlier"] == 1
    assert asked(cloud) == ["incoming/lost.csv"]

    later = WRITTEN + timedelta(hours=2)
    cloud.put(INPUT, "landing/lost.csv", b"x", written=WRITTEN + timedelta(minutes=1))
    settings = read(ReconcileSettings, an_environment(INPUT_PREFIXES="incoming/,landing/"))
    Reconcile(settings, cloud.perform, lambda: int(later.timestamp() * 1000)).round(lambda: PLENTY)
    assert asked(cloud)[-1] == "landing/lost.csv"


def test_an_event_that_came_too_late_hides_nothing_that_is_put_there_again() -> None:
    """The object was gone when its event was handled: nobody looked at it."""
    cloud = Cloud()
    etag = an_input(cloud, "incoming/a.csv")
    removed = cloud.objects.pop((INPUT, "incoming/a.csv"))
    an_intake(cloud).batch(records(created("incoming/a.csv", etag=etag)))
    assert [job["status"] for job in cloud.rows("job")] == ["REJECTED"]
    cloud.objects[INPUT, "incoming/a.csv"] = removed

    assert look(cloud)["requested"] == 1


def test_each_prefix_is_listed_once_though_one_lies_in_another() -> None:
    assert Reach(("raw/", "in/a/", "in/", "raw/"), 0, 0).roots == ("in/", "raw/")
    cloud = Cloud(page=2)
    keys = {f"{prefix}{number}.csv" for prefix in ("in/", "in/a/", "raw/") for number in range(5)}
    for key in keys:
        an_input(cloud, key)

    assert look(cloud, INPUT_PREFIXES="raw/,in/a/,in/")["requested"] == 15
    assert set(asked(cloud)) == keys


@pytest.mark.parametrize(("left_ms", "most"), [(PLENTY, "1"), (PLENTY, "3"), (0, "100")])
def test_a_call_asks_for_so_many_and_the_next_goes_on_there(left_ms: int, most: str) -> None:
    """Without time left nothing is asked for, but nothing is passed over either: the last call has time."""
    cloud = Cloud(page=4)
    keys = [f"incoming/{number:02d}.csv" for number in range(10)]
    for key in keys:
        an_input(cloud, key)

    answers = [look(cloud, left_ms, RECONCILE_MOST_JOBS=most)]
    while not answers[-1]["complete"]:
        assert answers[-1]["requested"] <= int(most)
        answers.append(look(cloud, PLENTY, RECONCILE_MOST_JOBS=most))

    assert len(answers) > 1
    assert asked(cloud) == keys


def test_a_place_under_a_prefix_that_is_input_no_more_begins_anew() -> None:
    cloud = Cloud(page=1)
    for key in ("incoming/a.csv", "incoming/b.csv", "raw/a.csv"):
        an_input(cloud, key)
    assert not look(cloud, RECONCILE_MOST_JOBS="1")["complete"]
    cloud.sent.clear()

    assert look(cloud, since="2026-11-01T00:00:00Z", INPUT_PREFIXES="raw/")["complete"]
    assert asked(cloud) == ["raw/a.csv"]


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
def test_a_reconcile_that_dies_anywhere_loses_no_input_and_none_gets_two_jobs(moment: str) -> None:
    keys = [f"incoming/{number}.csv" for number in range(5)]

    def a_cloud() -> Cloud:
        cloud = Cloud(page=2)
        for key in keys:
            an_input(cloud, key)
        return cloud

    undisturbed = a_cloud()
    look(undisturbed)
    calls = len(undisturbed.calls)
    assert calls > 12
    for at in range(calls):
        cloud = a_cloud()
        setattr(cloud, moment, at)
        with pytest.raises(Died):
            look(cloud)
        assert look(cloud)["complete"]
        cloud.die_before = cloud.die_after = None
        intake(cloud)
        assert sorted(job["key"] for job in cloud.rows("job")) == keys, at
