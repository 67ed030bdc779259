"""The quality report is killed at every call it makes; the next call for the day repairs it. And failed runs count."""

from datetime import UTC

import pytest

from haulier.contracts.dataset import Dataset
from haulier.contracts.keys import quality_key
from haulier.contracts.states import JobState
from haulier.jobs.quality import Day, Tally, yesterday
from haulier.jobs.times import parse_iso
from tests.fakes.ended import DAY, ended
from tests.fakes.world import World
from tests.unit.dispatcher.cloud import Cloud, Died
from tests.unit.dispatcher.test_quality import a_reporter, happened, usual_days


def a_day() -> Cloud:
    cloud = Cloud()
    usual_days(cloud, 8)
    happened(cloud, *(ended(f"j{at}", read=100, rejected=30, reject_codes={"bad_type": 30}) for at in range(9)))
    return cloud


def reports(cloud: Cloud) -> dict[str, bytes]:
    return {key: stored.body for (_, key), stored in cloud.objects.items()}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_the_next_call_writes_what_an_undisturbed_one_does_when_the_first_is_killed_at_any_call(after: bool) -> None:
    undisturbed = a_day()
    a_reporter(undisturbed).report({})
    calls = list(undisturbed.calls)
    assert calls[-3:] == ["put_object", "put_object", "publish"]
    for at, name in enumerate(calls):
        cloud = a_day()
        if after:
            cloud.die_after = at
        else:
            cloud.die_before = at
        with pytest.raises(Died):
            a_reporter(cloud).report({})
        # Nobody is told of a report that is not there.
        assert not cloud.published or {quality_key(DAY), quality_key(DAY, ".html")} <= reports(cloud).keys()
        cloud.die_before = cloud.die_after = None

        a_reporter(cloud).report({})

        assert reports(cloud) == reports(undisturbed), f"killed at call {at} ({name})"
        assert cloud.published[-1:] == undisturbed.published
        assert len(cloud.published) == (2 if after and name == "publish" else 1)


@pytest.mark.parametrize("broken", ["query", "list_objects_v2", "get_object", "put_object", "publish"])
def test_an_error_is_an_error_so_that_lambda_tries_again(broken: str) -> None:
    cloud = a_day()
    cloud.broken[broken] = RuntimeError("throttled")
    with pytest.raises(RuntimeError, match="throttled"):
        a_reporter(cloud).report({})
    cloud.broken.clear()
    assert a_reporter(cloud).report({})["day"] == DAY


async def test_a_run_that_fails_for_its_rejects_is_counted_with_them() -> None:
    world = World()
    strict = Dataset(name="strict", max_invalid_ratio=0.0)
    job = world.submit(b"id,name\n1,ann\n2\n3\n", dataset=strict)
    good = world.submit(b"id,name\n1,ann\n2\n", key="incoming/b.csv")
    await world.run_dry()
    assert world.job(job.job_id).status is JobState.FAILED

    ended_at = world.job(job.job_id).finished_at or ""
    day = Day.of(yesterday(parse_iso(ended_at) + 86_400_000, UTC), UTC)
    tally = Tally(day)
    for key, item in world.table.items.items():
        if key[1] == "job":
            tally.add(item)

    strictly = tally.datasets["strict"].figures
    assert (strictly.read, strictly.rejected, strictly.written) == (3, 2, 0)
    assert strictly.reject_codes == {"too_few_fields": 2}
    assert strictly.failures == {"too_many_rejects": 1}
    others = tally.datasets[good.dataset].figures
    assert (others.read, others.written, others.reject_codes) == (2, 1, {"too_few_fields": 1})
    world.close()
