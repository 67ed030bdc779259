"""The table of a run: what was done to the workers, and what came of it."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.faults import Kind
from tests.chaos.verdict import Verdict

BEGIN, END = "<!-- chaos: begin -->", "<!-- chaos: end -->"
_EVENTS = {
    "chunk.claimed": "chunks claimed",
    "chunk.committed": "chunks committed",
    "chunk.released": "chunks given back at a stop",
    "chunk.failed": "attempts that failed",
    "chunk.lost": "commits refused (another has the chunk, or the job is over)",
    "lease.lost": "leases lost while working",
    "lease.beat_failed": "heartbeats that failed",
    "receipt.expired": "receipts that expired",
    "token.dead": "tokens that were dead",
    "settlement.failed": "settlements that failed",
    "queue.failed": "polls that failed",
}

TESTS = {
    "workers killed (SIGKILL)": (
        "tests/faults/test_crash_points.py::"
        "test_the_job_succeeds_with_the_same_bytes_when_the_worker_is_killed_at_any_call"
    ),
    "workers stopped (SIGTERM; a second one at once)": (
        "tests/faults/test_stopping.py::test_running_work_is_released_at_once_when_a_second_signal_comes"
    ),
    "workers frozen and woken (SIGSTOP, SIGCONT)": (
        "tests/faults/test_scenarios.py::"
        "test_a_frozen_worker_that_wakes_changes_nothing_when_another_committed_its_chunk"
    ),
    "— throttle": (
        "tests/faults/test_messages.py::test_the_failure_is_counted_and_the_message_backs_off_when_the_error_may_pass"
    ),
    "— lost": "tests/unit/jobs/test_procedures.py::test_a_commit_whose_answer_was_lost_is_found_to_be_ours",
    "— unprocessed": "tests/faults/test_scenarios.py::test_a_claim_reads_on_when_dynamodb_left_all_keys_unread",
    "— cut": "tests/unit/worker/flow/test_fetch.py::test_reading_goes_on_at_the_byte_when_the_stream_breaks",
    "meanwhile: cancel": (
        "tests/unit/jobs/test_procedures.py::test_a_cancel_that_races_the_seal_leaves_all_or_nothing"
    ),
    "meanwhile: cancel and retry": (
        "tests/faults/test_scenarios.py::test_run_two_alone_is_published_when_a_worker_of_run_one_still_works"
    ),
    "meanwhile: delete": "tests/faults/test_messages.py::test_the_job_fails_with_a_letter_when_its_object_is_gone",
    "meanwhile: older event": (
        "tests/stack/test_intake.py::test_the_same_event_twice_is_one_job_and_an_older_one_is_superseded"
    ),
    "meanwhile: overwrite": (
        "tests/stack/test_lifecycle.py::test_a_source_overwritten_under_its_job_fails_that_job_and_the_new_one_succeeds"
    ),
    "meanwhile: redrive": (
        "tests/unit/client/test_deadletters.py::test_a_redrive_ends_when_what_it_sends_again_comes_back_at_once"
    ),
    "meanwhile: resend": (
        "tests/faults/test_scenarios.py::test_the_chunk_is_worked_on_once_when_one_worker_gets_the_same_message_twice"
    ),
    "meanwhile: retry": (
        "tests/stack/test_lifecycle.py::test_a_failed_job_is_run_again_with_the_dataset_as_it_is_then"
    ),
    "meanwhile: same event": (
        "tests/stack/test_intake.py::test_the_same_event_twice_is_one_job_and_an_older_one_is_superseded"
    ),
    "meanwhile: unreadable": (
        "tests/stack/test_lifecycle.py::test_a_message_nobody_wrote_ends_in_the_dlq_with_its_reason"
    ),
    "— redone after a wrong guess": (
        "tests/faults/test_scenarios.py::test_a_wrong_guess_is_not_published_when_it_was_committed_before_its_redo"
    ),
    "— taken over from a worker that was gone": (
        "tests/unit/jobs/test_procedures.py::"
        "test_an_expired_lease_is_taken_over_after_the_margin_and_its_holder_can_do_nothing_more"
    ),
    "violations": "tests/unit/chaos/test_verdict.py::test_it_is_found_when",
}
"""The step-by-step test of what a row counts; `docs/failure-modes.md` names it beside the figure."""


@dataclass(frozen=True)
class Run:
    """A run's figures.

    Attributes:
        seed: the run's.
        workers: how many.
        chaos_seconds: how long the faults went on.
        quiet_seconds: how long it took until all was over after that.
        blows: what was done to the workers.
        meddling: what was done to messages, events and jobs.
        faults: what the proxy did, by kind and operation.
        calls: AWS calls of the workers.
        events: what the workers logged.
        failed_acts: what the driver could not do, since the emulator did not answer for instance.
        verdict: what was found.
    """

    seed: int
    workers: int
    chaos_seconds: float
    quiet_seconds: float
    blows: Counter[str]
    meddling: Counter[str]
    faults: Mapping[tuple[Kind, str], int]
    calls: int
    events: Counter[str]
    failed_acts: int
    verdict: Verdict

    def rows(self) -> list[tuple[str, str]]:
        """Name and figure, in the order they are read."""
        counts, faults = self.verdict.counts, Counter[str]()
        for (kind, _), number in self.faults.items():
            faults[kind] += number
        return [
            ("seed, workers", f"{self.seed}, {self.workers}"),
            ("seconds of faults, until quiet", f"{self.chaos_seconds:.0f}, {self.quiet_seconds:.0f}"),
            ("workers killed (SIGKILL)", f"{self.blows['kill']}"),
            ("workers stopped (SIGTERM; a second one at once)", f"{self.blows['stop']}; {self.blows['hurry']}"),
            ("workers frozen and woken (SIGSTOP, SIGCONT)", f"{self.blows['freeze']}"),
            ("AWS calls of the workers", f"{self.calls:,}"),
            ("of these spoilt", f"{sum(faults.values()):,}"),
            *[(f"— {kind}", f"{faults[kind]:,}") for kind in Kind if faults[kind]],
            *[(f"meanwhile: {name.replace('_', ' ')}", f"{times}") for name, times in sorted(self.meddling.items())],
            *[(text, f"{self.events[event]:,}") for event, text in _EVENTS.items() if self.events[event]],
            *([("acts that could not be done", f"{self.failed_acts}")] if self.failed_acts else []),
            ("jobs (runs)", f"{counts['jobs']} ({counts['runs']})"),
            *[(f"— {name.split()[1]}", f"{counts[name]}") for name in sorted(counts) if name.startswith("jobs ")],
            ("chunks", f"{counts['chunks']}"),
            ("— taken over from a worker that was gone", f"{counts['chunks taken over']}"),
            ("— redone after a wrong guess", f"{counts['chunks redone']}"),
            ("records read back", f"{counts['records']:,}"),
            ("records lost", f"{counts['losses']}"),
            ("records twice", f"{counts['duplicates']}"),
            ("records changed", f"{counts['changed']}"),
            ("letters, each with its reason", f"{counts['letters']}"),
            ("violations", f"{len(self.verdict.violations)}"),
        ]


def as_text(rows: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {figure}" for name, figure in rows)


def as_markdown(rows: list[tuple[str, str]], command: str) -> str:
    lines = [f"`{command}`", "", "| what | how often | step by step |", "|---|---|---|"]
    lines += [f"| {name} | {figure} | {f'`{TESTS[name]}`' if name in TESTS else ''} |" for name, figure in rows]
    return "\n".join(lines)


def write_docs(page: Path, rows: list[tuple[str, str]], command: str) -> None:
    """Puts the table between the page's markers.

    Raises:
        ValueError: the page has no markers.
    """
    text = page.read_text()
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page} has no place for the table: {BEGIN} … {END}")
    table = f"{BEGIN}\n{as_markdown(rows, command)}\n{END}"
    page.write_text(re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: table, text, flags=re.DOTALL))
