"""A verdict that cannot say no is worth nothing: each thing that may go wrong is planted, and found."""

import json

import pytest

from tests.chaos.cargo import expected, load
from tests.chaos.verdict import Evidence, Put, judge

JOB, RUN = "j1", "processed/d/j1/run=1"


def job(put: Put, **changes: object) -> dict[str, object]:
    made = {
        "job_id": JOB, "sk": "job", "status": "SUCCEEDED", "run": 1, "key": put.key, "etag": put.etag,
        "read": 0, "written": 0, "rejected": 0,
    }  # fmt: skip
    return made | changes


class World:
    """A job that went well, as it is left; a test spoils one thing of it."""

    def __init__(self) -> None:
        cargo = load(1, 1, "small")
        self.put = Put(cargo.key, "e1", cargo.kind, lambda: cargo.body, set(cargo.ends))
        wanted = expected(cargo.key, cargo.body)
        self.records = [record | {"_source_file": "s"} for record in wanted.records.values()]
        self.rejects = [{"raw": f"{identifier},x,y,too,many"} for identifier in wanted.rejects]
        counts = {"read": len(self.records) + len(self.rejects), "written": len(self.records)}
        self.job = job(self.put, rejected=len(self.rejects), **counts)
        self.chunk = {"job_id": JOB, "sk": "r0001#c00000#0", "attempts": 1}
        self.keys = [
            f"{RUN}/chunk.jsonl",
            f"{RUN}/_manifest.json",
            f"{RUN}/_SUCCESS",
            "rejected/d/j1/run=1/chunk.jsonl",
        ]
        chunk = {"outputs": [{"key": f"{RUN}/chunk.jsonl"}], "rejects": {"key": self.keys[3]}}
        self.manifest = {"chunks": [chunk]}
        self.told = [{"job_id": JOB, "run": 1, "state": "SUCCEEDED"}]
        self.more: dict[str, object] = {}

    def read(self, key: str) -> bytes:
        if key.endswith("_manifest.json"):
            return json.dumps(self.manifest).encode()
        lines = self.rejects if key.startswith("rejected/") else self.records
        return b"".join(json.dumps(line).encode() + b"\n" for line in lines)

    def violations(self) -> list[str]:
        left: dict[str, object] = {
            "puts": [self.put], "cancelled": set(), "items": [self.job, self.chunk], "keys": self.keys,
            "read": self.read,
            "uploads": [], "depths": {"bulk": {"Visible": 0}}, "executions": [], "letters": [], "told": self.told,
            "problems": [], "now_ms": 1000,
        }  # fmt: skip
        return judge(Evidence(**(left | self.more))).violations


@pytest.fixture
def world():
    return World()


def test_nothing_is_wrong_when_all_went_well(world):
    assert world.violations() == []


def _lose(world):
    world.records.pop()


def _double(world):
    world.records.append(world.records[0])


def _change(world):
    world.records[0] = world.records[0] | {"tail": "another"}


def _lose_reject(world):
    world.records.append({"id": "n0001x999999"})


def _hang(world):
    world.job["status"] = "RUNNING"


def _fail(world):
    world.job |= {"status": "FAILED", "error": '{"code": "attempts_spent"}'}
    world.keys = []
    world.told = [{"job_id": JOB, "run": 1, "state": "FAILED"}]


def _forget(world):
    world.job["etag"] = "another"


def _stray(world):
    world.keys.append(f"{RUN}/chunk-of-a-zombie.jsonl")


def _half(world):
    world.keys.remove(f"{RUN}/_SUCCESS")


def _missing(world):
    world.keys.remove(f"{RUN}/chunk.jsonl")


def _lease(world):
    world.chunk["lease_until"] = 2000


def _silence(world):
    world.told = []


def _miscount(world):
    world.job["written"] += 1


def _left(name, value):
    def spoil(world):
        world.more[name] = value

    return spoil


SPOILT = {
    "a record is lost": (_lose, "lost"),
    "a record is there twice": (_double, "twice"),
    "a record was changed": (_change, "not as they were put"),
    "a record nobody put is there": (_lose_reject, "never put"),
    "a job hangs": (_hang, "has not ended"),
    "a good job failed": (_fail, "may end as"),
    "an object has no job": (_forget, "no job of its own"),
    "an output is listed by no manifest": (_stray, "listed by no manifest"),
    "_SUCCESS is missing": (_half, "_manifest.json"),
    "a listed output is missing": (_missing, "not there"),
    "a lease is held": (_lease, "still leased"),
    "nobody was told": (_silence, "nobody was told"),
    "the counts are wrong": (_miscount, "says read"),
    "a message is in flight": (_left("depths", {"bulk": {"NotVisible": 1}}), "not empty"),
    "an upload is open": (_left("uploads", ["k"]), "still open"),
    "an execution runs": (_left("executions", ["x"]), "still runs"),
    "a letter has no reason": (_left("letters", [{"Body": "x", "queue": "bulk"}]), "no reason"),
    "a worker hung": (_left("problems", ["worker 1 did not stop"]), "did not stop"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_it_is_found_when(world, what):
    spoil, told = SPOILT[what]
    spoil(world)
    assert any(told in violation for violation in world.violations()), world.violations()


def test_a_failed_run_of_a_poisoned_file_needs_its_letter(world):
    world.put.kind, world.put.ends = "unfit", {("FAILED", "dataset_unusable")}
    _fail(world)
    world.job["error"] = '{"code": "dataset_unusable"}'
    assert any("no letter" in violation for violation in world.violations())
    reason = {"error_type": {"StringValue": "dataset_unusable"}}
    letter = {"Body": json.dumps({"job_id": JOB, "run": 1}), "queue": "standard", "MessageAttributes": reason}
    world.more["letters"] = [letter]
    assert world.violations() == []
