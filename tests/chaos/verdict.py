"""Judges what is left. Pure, and by no code of Haulier's: items, manifests and objects are read as plain values.

Nothing lost, nothing twice, nothing hung: every job is final; every record of every published run is there exactly once
and as it was put; what must fail has failed with its code and its letter; and nothing is in flight or lies about.
"""

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.cargo import RECORD_ID, Expected, expected

FINAL = {"SUCCEEDED", "FAILED", "CANCELLED", "REJECTED"}
ADDED = {"_processed_at", "_source_file"}
LETTER_OF = {"truncated", "nonsense", "unfit"}
"""Kinds a worker refuses: each failed run leaves a letter."""
_RUN = re.compile(r"^(processed|rejected)/[^/]+/(?P<job>[^/]+)/run=(?P<run>\d+)/(?P<name>.+)$")
_SHOWN = 5


@dataclass
class Put:
    """An object that was put into the input bucket.

    Attributes:
        key: where.
        etag: as S3 gave it.
        kind: which kind of file, see cargo.KINDS.
        body: makes its bytes anew; a long run's would not fit into memory.
        ends: states and codes its job may end in.
        deleted: whether the object is gone.
    """

    key: str
    etag: str
    kind: str
    body: Callable[[], bytes]
    ends: set[tuple[str, str]]
    deleted: bool = False


@dataclass
class Evidence:
    """All that is left when everything is over.

    Attributes:
        puts: what was put.
        cancelled: jobs somebody asked to cancel.
        items: the job table.
        keys: the output bucket.
        read: an object of it.
        uploads: keys of open multipart uploads.
        depths: of the work queues, by name and kind.
        executions: those that run.
        letters: what lies in the dead-letter queues, as SQS hands it over, with `queue`.
        told: events of the results queue.
        problems: what the workers did that no worker may.
        now_ms: when it was read, milliseconds since the epoch.
    """

    puts: list[Put]
    cancelled: set[str]
    items: list[dict[str, Any]]
    keys: list[str]
    read: Callable[[str], bytes]
    uploads: list[str]
    depths: dict[str, dict[str, int]]
    executions: list[str]
    letters: list[dict[str, Any]]
    told: list[dict[str, Any]]
    problems: list[str]
    now_ms: int


@dataclass
class Verdict:
    """What was found wrong, one sentence each, and what was counted."""

    violations: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def wrong(self, what: str) -> None:
        self.violations.append(what)


def judge(evidence: Evidence) -> Verdict:
    """Everything that must hold, over everything there is."""
    verdict = Verdict()
    jobs = {item["job_id"]: item for item in evidence.items if item["sk"] == "job"}
    _ends(evidence, jobs, verdict)
    _published(evidence, jobs, verdict)
    _letters(evidence, jobs, verdict)
    _in_flight(evidence, verdict)
    _told(evidence, jobs, verdict)
    for problem in evidence.problems:
        verdict.wrong(problem)
    return verdict


def _error_code(job: dict[str, Any]) -> str:
    return str(json.loads(job["error"])["code"]) if job.get("error") else ""


def _named(job: dict[str, Any]) -> str:
    return f"job {job['job_id']} ({job['key']}, run {job['run']}, {job['status']})"


def _ends(evidence: Evidence, jobs: dict[str, dict[str, Any]], verdict: Verdict) -> None:
    """Every object has its job, every job an end it may have."""
    by_object = defaultdict(list)
    for job in jobs.values():
        verdict.counts["jobs"] += 1
        verdict.counts[f"jobs {job['status']}"] += 1
        verdict.counts["runs"] += job["run"]
        by_object[job["key"], job["etag"]].append(job)
        if job["status"] not in FINAL:
            verdict.wrong(f"{_named(job)} has not ended")
    for put in evidence.puts:
        own = by_object.pop((put.key, put.etag), [])
        began = [job for job in own if _error_code(job) != "superseded"]
        superseded = ("REJECTED", "superseded") in put.ends
        if not own or (not began and not superseded):
            verdict.wrong(f"{put.key} (etag {put.etag}, {put.kind}) has no job of its own")
        if len(began) > 1:
            verdict.wrong(f"{put.key} (etag {put.etag}) has {len(began)} jobs: {[job['job_id'] for job in began]}")
        for job in began:
            may = put.ends | ({("CANCELLED", "")} if job["job_id"] in evidence.cancelled else set())
            if job["status"] in FINAL and (job["status"], _error_code(job)) not in may:
                verdict.wrong(f"{_named(job)} ended with {job.get('error')!r}; it may end as {sorted(may)}")
    for strangers in by_object.values():
        for job in strangers:
            verdict.wrong(f"{_named(job)} is about an object nobody put (etag {job['etag']!r})")


def _published(evidence: Evidence, jobs: dict[str, dict[str, Any]], verdict: Verdict) -> None:
    """Every published run holds every record once; nothing else lies beside it."""
    runs: dict[tuple[str, int], list[str]] = defaultdict(list)
    for key in evidence.keys:
        found = _RUN.match(key)
        if found:
            runs[found["job"], int(found["run"])].append(key)
        elif key.startswith("temp/"):
            verdict.wrong(f"{key} is left")
    bodies = {(put.key, put.etag): put.body for put in evidence.puts}
    known: dict[tuple[str, str], Expected] = {}
    for job in jobs.values():
        if job["status"] == "SUCCEEDED" and not runs.get((job["job_id"], job["run"])):
            verdict.wrong(f"{_named(job)} has published nothing")
    for (job_id, run), keys in sorted(runs.items()):
        owner = jobs.get(job_id)
        if owner is None:
            verdict.wrong(f"{keys[0]} belongs to no job")
            continue
        listed = _listed(evidence, owner, run, keys, verdict)
        at = owner["key"], owner["etag"]
        if listed is not None and at in bodies:
            if at not in known:
                known = {at: expected(owner["key"], bodies[at]())}
            _contents(evidence, f"{_named(owner)} run={run}", listed, known[at], verdict)
            if run == owner["run"]:
                _balance(owner, known[at], verdict)


def _listed(
    evidence: Evidence, job: dict[str, Any], run: int, keys: list[str], verdict: Verdict
) -> dict[str, Any] | None:
    """The run's manifest; complains of what it does not list."""
    present = run == job["run"]
    ends = {key.rpartition("/")[2]: key for key in keys if key.startswith("processed/")}
    if ("_manifest.json" in ends) != ("_SUCCESS" in ends) or (
        present and (job["status"] == "SUCCEEDED") != ("_SUCCESS" in ends)
    ):
        verdict.wrong(f"{_named(job)}: run {run} has {sorted(name for name in ends if name.startswith('_'))}")
    if "_manifest.json" not in ends:
        kept = present and job["status"] == "CANCELLED"
        strays = [key for key in keys if key.startswith("processed/") or kept]
        verdict.violations += [f"{key} is left of {_named(job)}, which published nothing" for key in strays[:_SHOWN]]
        return None
    manifest: dict[str, Any] = json.loads(evidence.read(ends["_manifest.json"]))
    listed = {output["key"] for chunk in manifest["chunks"] for output in chunk.get("outputs", [])}
    listed |= {chunk["rejects"]["key"] for chunk in manifest["chunks"] if chunk.get("rejects")}
    listed |= {ends["_manifest.json"], ends.get("_SUCCESS", "")}
    verdict.violations += [f"{key} is listed by no manifest" for key in sorted(set(keys) - listed)[:_SHOWN]]
    missing = sorted(listed - set(keys) - {""})
    verdict.violations += [f"{key} is listed and not there" for key in missing[:_SHOWN]]
    return None if missing else manifest


def _contents(evidence: Evidence, name: str, manifest: dict[str, Any], wanted: Expected, verdict: Verdict) -> None:
    """Losses, duplicates and changed records of one published run."""
    there: Counter[str] = Counter()
    aside: Counter[str] = Counter()
    changed: list[str] = []
    for chunk in manifest["chunks"]:
        for output in chunk.get("outputs", []):
            for record in _lines(evidence.read(output["key"]), output["key"]):
                there[str(record.get("id"))] += 1
                if {field: value for field, value in record.items() if field not in ADDED} != wanted.records.get(
                    str(record.get("id"))
                ):
                    changed.append(str(record.get("id")))
        if chunk.get("rejects"):
            for record in _lines(evidence.read(chunk["rejects"]["key"]), chunk["rejects"]["key"]):
                aside.update(RECORD_ID.findall(record["raw"])[:1] or [f"? {record['raw'][:40]}"])
    _compare(f"{name} outputs", there, wanted.records, verdict)
    _compare(f"{name} rejects", aside, wanted.rejects, verdict)
    verdict.counts["records"] += sum(there.values()) + sum(aside.values())
    verdict.counts["published runs"] += 1
    if changed:
        verdict.counts["changed"] += len(changed)
        verdict.wrong(f"{name}: {len(changed)} records are not as they were put: {changed[:_SHOWN]}")


def _lines(body: bytes, key: str) -> list[dict[str, Any]]:
    text = gzip.decompress(body) if key.endswith(".gz") else body
    return [json.loads(line) for line in text.splitlines()]


def _compare(name: str, found: Counter[str], wanted: Iterable[str], verdict: Verdict) -> None:
    wanted = set(wanted)
    lost = sorted(wanted - set(found))
    twice = sorted(identifier for identifier, count in found.items() if count > 1 or identifier not in wanted)
    verdict.counts["losses"] += len(lost)
    verdict.counts["duplicates"] += len(twice)
    if lost:
        verdict.wrong(f"{name}: {len(lost)} of {len(wanted)} records are lost: {lost[:_SHOWN]}")
    if twice:
        verdict.wrong(f"{name}: {len(twice)} records are there twice, or were never put: {twice[:_SHOWN]}")


def _balance(job: dict[str, Any], wanted: Expected, verdict: Verdict) -> None:
    counted = (len(wanted.records) + len(wanted.rejects), len(wanted.records), len(wanted.rejects))
    told = tuple(job.get(name) for name in ("read", "written", "rejected"))
    if job["status"] == "SUCCEEDED" and told != counted:
        verdict.wrong(f"{_named(job)} says read, written, rejected {told}; it is {counted}")


def _letters(evidence: Evidence, jobs: dict[str, dict[str, Any]], verdict: Verdict) -> None:
    """Every letter has a reason, and every failed run of a poisoned file a letter."""
    about: dict[tuple[str, int], set[str]] = defaultdict(set)
    for letter in evidence.letters:
        verdict.counts["letters"] += 1
        reason = letter.get("MessageAttributes", {}).get("error_type", {}).get("StringValue", "")
        if not reason:
            verdict.wrong(f"a letter in {letter['queue']} has no reason: {letter['Body'][:200]!r}")
        try:
            body = json.loads(letter["Body"])
            about[body["job_id"], body["run"]].add(reason)
        except (ValueError, KeyError, TypeError):
            continue
    kinds = {(put.key, put.etag): put.kind for put in evidence.puts}
    for job in jobs.values():
        kind = kinds.get((job["key"], job["etag"]))
        if job["status"] == "FAILED" and kind in LETTER_OF and _error_code(job) not in about[job["job_id"], job["run"]]:
            verdict.wrong(f"{_named(job)} failed with {_error_code(job)} and has no letter that says so")


def _in_flight(evidence: Evidence, verdict: Verdict) -> None:
    for queue, depth in evidence.depths.items():
        if any(depth.values()):
            verdict.wrong(f"queue {queue} is not empty: {depth}")
    verdict.violations += [f"an upload of {key} is still open" for key in evidence.uploads]
    verdict.violations += [f"execution {name} still runs" for name in evidence.executions]
    for item in evidence.items:
        if "#c" in item["sk"]:
            verdict.counts["chunks"] += 1
            verdict.counts["chunks taken over"] += item.get("attempts", 0) > 1
            verdict.counts["chunks redone"] += item["sk"].rpartition("#")[2] != "0"
            verdict.counts["orderly releases"] += item.get("releases", 0)
            if (item.get("lease_until") or 0) > evidence.now_ms:
                verdict.wrong(f"chunk {item['job_id']} {item['sk']} is still leased by {item.get('worker')}")


def _told(evidence: Evidence, jobs: dict[str, dict[str, Any]], verdict: Verdict) -> None:
    heard = Counter((event["job_id"], event["run"], event["state"]) for event in evidence.told)
    verdict.counts["ends told"] = len(heard)
    verdict.counts["ends told again"] = sum(heard.values()) - len(heard)
    for job in jobs.values():
        if job["status"] in FINAL and not heard[job["job_id"], job["run"], job["status"]]:
            verdict.wrong(f"{_named(job)}: nobody was told of its end on the results queue")
