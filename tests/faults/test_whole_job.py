"""Any part of the system is killed at every single call of a whole chunked job, before and after the call takes effect.

The parts are called again as their services do it, and in the end everything is as after an undisturbed job.
"""

import gzip
import re
from collections import Counter
from typing import Any

import pytest

from haulier.contracts.states import JobState
from tests.fakes.world import LEASE_SECONDS
from tests.faults.system import System
from tests.faults.test_crash_points import published

_INSIDE = "".join(f"{n},{n},{n}\n" for n in range(650))
_BODY = ("a,b,c\n" + 'x,"' + _INSIDE + '",y\n' + "".join(f"{n},k,z\n" for n in range(250)) + "too few\n").encode()
"""Whoever starts inside the long field guesses wrong: the job needs a redo."""


async def _undisturbed() -> System:
    system = System()
    system.arrives("incoming/a.csv", _BODY)
    await system.settle()
    system.close()
    return system


def _told_apart(system: System) -> dict[str, Any]:
    """What is published, less the time of acceptance: intake may have been killed before it."""
    found = published(system.objects)
    for key, content in found.items():
        if isinstance(content, bytes):
            found[key] = re.sub(rb'"_processed_at":"[^"]*"', b"", content)
        else:
            del content["accepted_at"]
            for chunk in content["chunks"]:
                for output in chunk["outputs"]:
                    # It follows from the bytes, which are compared themselves.
                    del output["etag"]
    return found


def _left_over(system: System) -> dict[str, object]:
    """What nobody should find after a job."""
    items = system.table.items.items()
    # A chunk that failed for good keeps its lease until it runs out; nobody else wants it.
    later = system.clock.now_ms() + LEASE_SECONDS * 1000
    return {
        "leases": [sk for (_, sk), item in items if int(item.get("lease_until", {"N": "0"})["N"]) > later],
        "uploads": list(system.objects.uploads),
        "letters": system.letters.reasons(),
        "temporary": [key for key in system.objects.outputs if key.startswith("temp/")],
        "running": [arn for arn, execution in system.executions.items() if execution.status == "RUNNING"],
    }


async def test_a_whole_job_passes_every_part_when_nothing_disturbs_it() -> None:
    system = await _undisturbed()
    parts = Counter(call.partition(":")[0] for call in system.switch.calls if ":" in call)
    assert {"intake", "plan", "assemble", "notify", "janitor"} <= set(parts)
    rounds = [int(found[1]) for _, sk in system.table.items if (found := re.search(r"#c\d{5}#(\d+)$", sk))]
    assert max(rounds) >= 1
    assert not any(_left_over(system).values())


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_the_job_succeeds_with_the_same_bytes_when_any_part_is_killed_at_any_call(after: bool) -> None:
    undisturbed = await _undisturbed()
    calls, expected = list(undisturbed.switch.calls), _told_apart(undisturbed)
    assert len(calls) > 150
    for at, name in enumerate(calls):
        system = System()
        system.arrives("incoming/a.csv", _BODY)
        system.switch.arm(at, after=after)
        await system.settle()
        told = f"killed at call {at} ({name})"
        assert system.kills == 1, told
        (job,) = [item for (_, sk), item in system.table.items.items() if sk == "job"]
        assert job["status"]["S"] == JobState.SUCCEEDED, told
        assert _told_apart(system) == expected, told
        assert system.told == undisturbed.told, told
        assert not any(_left_over(system).values()), (told, _left_over(system))
        system.close()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_broken_job_fails_with_its_letter_when_any_part_is_killed_at_any_call(after: bool) -> None:
    broken = gzip.compress(_BODY)[:-20]

    async def broken_job(at: int | None) -> System:
        system = System()
        system.arrives("incoming/a.csv.gz", broken)
        system.switch.arm(at, after=after)
        await system.settle()
        system.close()
        return system

    undisturbed = await broken_job(None)
    ids, reason = undisturbed.told, set(undisturbed.letters.reasons())
    assert len(ids) == len(reason) == 1
    for at, name in enumerate(list(undisturbed.switch.calls)):
        system = await broken_job(at)
        told = f"killed at call {at} ({name})"
        assert system.kills == 1, told
        (job,) = [item for (_, sk), item in system.table.items.items() if sk == "job"]
        assert job["status"]["S"] == JobState.FAILED, told
        # A second letter of the same kind is legal, none at all is not.
        assert set(system.letters.reasons()) == reason, told
        assert system.told == ids, told
        assert [key.partition("/")[0] for key in system.objects.outputs] == ["failed"], told
        assert not any(found for what, found in _left_over(system).items() if what != "letters"), (
            told,
            _left_over(system),
        )
