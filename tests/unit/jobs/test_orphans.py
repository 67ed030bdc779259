import pytest

from haulier.contracts.keys import archive_key, output_key, plan_key, rejects_key, run_of
from haulier.jobs.mend import CLEAN_AFTER_SECONDS
from haulier.jobs.orphans import Standing, is_orphan

NOW, DAY = 1_795_253_400_000, 86_400_000
JOB, ATTEMPT = "j" + "a" * 26, "f" * 32
OVER = Standing(run=2, final=True, changed_ms=NOW - round(CLEAN_AFTER_SECONDS * 1000) - 1)


@pytest.mark.parametrize(
    ("run", "age_days", "job", "orphan"),
    [
        # A run that is over, and everything before it.
        (2, 0, OVER, True),
        (1, 0, OVER, True),
        # Over, but a worker may not know of it yet.
        (2, 0, Standing(run=2, final=True, changed_ms=NOW - 1000), False),
        # A run that is on, however old its things are; what went before it is over nevertheless.
        (2, 29, Standing(run=2, final=False, changed_ms=NOW - 29 * DAY), False),
        (1, 0, Standing(run=2, final=False, changed_ms=NOW), True),
        # A run the table did not know of when it was read.
        (3, 0, OVER, False),
        # Nobody's: only when no run could take so long.
        (1, 29, None, False),
        (1, 31, None, True),
    ],
)
def test_only_what_nobody_can_need_any_more_is_an_orphan(
    run: int, age_days: int, job: Standing | None, orphan: bool
) -> None:
    written = NOW - age_days * DAY
    assert is_orphan(run, written, job, now_ms=NOW, orphan_after_seconds=30 * 86_400) is orphan


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (output_key("a", JOB, 3, chunk=1, attempt=ATTEMPT, number=0, suffix=".jsonl"), (JOB, 3)),
        (rejects_key("a", JOB, 12, chunk=1, attempt=ATTEMPT), (JOB, 12)),
        (plan_key(JOB, 1, 0), (JOB, 1)),
        (archive_key("FAILED", 0, "2026-08-01T00:00:00.000Z", JOB, 0), None),
        ("temp/somebody-elses/r0001/x", None),
        ("processed/a/b/run=1/x", None),
        (f"incoming/temp/{JOB}/r0001/x", None),
        ("", None),
    ],
)
def test_a_key_tells_whose_it_is_only_where_we_wrote_it(key: str, found: tuple[str, int] | None) -> None:
    assert run_of(key) == found
