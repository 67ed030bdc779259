"""The picture of docs/quality.md: a made-up stack's fifteen days, reported on by the code that ships.

python -m scripts.quality_picture REPORT.html [REPORT.png]

Every run makes the same page. For the PNG a browser must be on the PATH (Debian: `apt-get install chromium`); it is no
dependency of anything else.
"""

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any

from dispatcher.report_page import page
from haulier.contracts.events import JobError
from haulier.contracts.ids import job_id
from haulier.contracts.quality import QualityReport
from haulier.jobs.anomalies import LOOKBACK_DAYS, Past
from haulier.jobs.attributes import encode_item
from haulier.jobs.quality import Day, Tally, compose
from haulier.jobs.times import iso

LAST = date(2026, 11, 20)
SEED = 1
MIB = 1 << 20
WIDTH, HEIGHT = 1120, 1656


@dataclass(frozen=True)
class Feed:
    """What a dataset is usually fed, or is on one day.

    Attributes:
        jobs: a day.
        records: a job.
        record_bytes: a record.
        rejects: reject code → share of the records.
        failures: code → share of the jobs.
        refusals: code → share of the jobs.
        seconds: a job takes, more or less.
        weekdays: whether nothing comes on Saturday and Sunday.
        name: of a file, with `{n}`.
    """

    jobs: int
    records: int
    record_bytes: int
    rejects: dict[str, float] = field(default_factory=dict)
    failures: dict[str, float] = field(default_factory=dict)
    refusals: dict[str, float] = field(default_factory=dict)
    seconds: float = 20.0
    weekdays: bool = False
    name: str = "part-{n:04d}.csv"


USUAL = {
    "clickstream": Feed(
        288, 410_000, 310, {"bad_json": 0.00004}, seconds=31, name="events-{n:04d}.jsonl.gz",
        failures={"attempts_spent": 0.002},
    ),
    "customers": Feed(4, 182_000, 240, {"pattern": 0.0021}, seconds=14, name="customers-{n}.csv"),
    "flights": Feed(
        24, 336_776, 92, {"required": 0.0004, "out_of_range": 0.0002}, seconds=18, name="flights-{n:02d}.csv"
    ),
    "invoices": Feed(12, 8_400, 410, {"bad_type": 0.004}, seconds=3, weekdays=True, name="invoices-{n:02d}.xml.json"),
    "orders": Feed(
        96, 52_000, 180, {"bad_type": 0.0014, "not_in_enum": 0.0011, "too_few_fields": 0.0006}, seconds=6,
        failures={"too_many_rejects": 0.006}, name="orders-{n:03d}.csv",
    ),
    "sensors": Feed(
        720, 9_600, 58, {"out_of_range": 0.0052, "too_few_fields": 0.0008}, seconds=2.4, name="station-{n:04d}.jsonl",
        failures={"source_gone": 0.003, "attempts_spent": 0.001}, refusals={"superseded": 0.008},
    ),
}  # fmt: skip
ON_THE_DAY = {
    "clickstream": replace(USUAL["clickstream"], jobs=287, records=163_000),
    "customers": replace(USUAL["customers"], jobs=0),
    "orders": replace(
        USUAL["orders"],
        rejects={"not_in_enum": 0.0391, "bad_type": 0.0049, "required": 0.0012, "too_few_fields": 0.0006},
        failures={"too_many_rejects": 0.094},
    ),
}


def jobs_of(dataset: str, feed: Feed, day: Day, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Items of a dataset's jobs that ended on a day, as the table holds them."""
    sunday = date.fromisoformat(day.name).weekday() >= 5
    wanted = 0 if feed.weekdays and sunday else feed.jobs
    for at in range(wanted if wanted < 30 else round(chance.gauss(wanted, wanted * 0.012))):
        finished = day.since_ms + round((at + chance.random()) * 86_400_000 / max(wanted * 1.1, 1))
        took = round(1000 * feed.seconds * chance.lognormvariate(0, 0.42))
        key = f"incoming/{dataset}/{day.name}/{feed.name.format(n=at)}"
        state, error = _end(feed, chance)
        job = job_id(source={"bucket": "acme-input", "key": key}, operation="records", dataset=dataset, cause="")
        yield encode_item(
            {
                "job_id": job, "status": state, "run": 1, "dataset": dataset, "bucket": "acme-input", "key": key,
                "size": 0, "accepted_at_ms": finished - took, "created_at": iso(finished - took), "chunked": False,
                "queue": "standard", "updated_at": iso(finished), "finished_at": iso(finished),
                "error": error.to_json() if error else None, **_counts(feed, state, error, chance),
            }
        )  # fmt: skip


def _end(feed: Feed, chance: random.Random) -> tuple[str, JobError | None]:
    drawn = chance.random()
    for state, codes in (("FAILED", feed.failures), ("REJECTED", feed.refusals)):
        for code, share in codes.items():
            drawn -= share
            if drawn < 0:
                return state, JobError(stage="seal", code=code, message="m")
    return "SUCCEEDED", None


def _counts(feed: Feed, state: str, error: JobError | None, chance: random.Random) -> dict[str, Any]:
    judged = state == "SUCCEEDED" or (error is not None and error.code == "too_many_rejects")
    if not judged:
        return {}
    read = round(feed.records * chance.lognormvariate(0, 0.06))
    worse = 4.0 if error else chance.lognormvariate(0, 0.25)
    codes = {code: round(read * share * worse) for code, share in feed.rejects.items()}
    rejected = sum(codes.values())
    counts = {
        "read": read, "rejected": rejected, "filtered": 0, "input_bytes": read * feed.record_bytes,
        "reject_codes": {code: count for code, count in codes.items() if count},
    }  # fmt: skip
    if state == "SUCCEEDED":
        counts |= {"written": read - rejected, "output_bytes": round(read * feed.record_bytes * 0.4)}
    return counts


def example() -> QualityReport:
    """The report of the last of fifteen days. One of the days before has none."""
    chance = random.Random(SEED)
    past: list[Past] = []
    for ago in range(LOOKBACK_DAYS, 0, -1):
        report = _report(LAST - timedelta(days=ago), USUAL, past, chance)
        figures = None if ago == 9 else {entry.dataset: entry.figures for entry in report.datasets}
        past.append(Past(report.day, figures))
    return _report(LAST, USUAL | ON_THE_DAY, past, chance)


def _report(named: date, feeds: dict[str, Feed], past: list[Past], chance: random.Random) -> QualityReport:
    day = Day.of(named, UTC)
    tally = Tally(day)
    for dataset, feed in feeds.items():
        for item in jobs_of(dataset, feed, day, chance):
            tally.add(item)
    return compose("prod", day, "UTC", tally, past)


def photograph(html: Path, png: Path) -> None:
    """Has a browser without a window draw the page."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("no browser on the PATH to make the picture with (Debian: apt-get install chromium)")
    size = f"--window-size={WIDTH},{HEIGHT}"
    command = [
        browser,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--disable-lcd-text",
        size,
    ]
    subprocess.run([*command, f"--screenshot={png}", html.resolve().as_uri()], check=True)


def main() -> int:
    html = Path(sys.argv[1])
    html.write_text(page(example()), encoding="utf-8")
    if len(sys.argv) > 2:
        photograph(html, Path(sys.argv[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
