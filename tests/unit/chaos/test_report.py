"""The table in the docs: between its markers, each row with the test that goes through it step by step."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.faults import Kind
from tests.chaos.report import BEGIN, END, TESTS, Run, write_docs
from tests.chaos.verdict import Verdict

ROOT = Path(__file__).resolve().parents[3]
RUN = Run(
    seed=7, workers=3, chaos_seconds=120, quiet_seconds=60, blows=Counter(kill=9), meddling=Counter({"resend": 4}),
    faults={(Kind.LOST, "s3:PutObject"): 2, (Kind.LOST, "sqs:SendMessage"): 1}, calls=1000,
    events=Counter({"chunk.claimed": 5}), failed_acts=0,
    verdict=Verdict(counts=Counter({"jobs": 3, "jobs SUCCEEDED": 3})),
)  # fmt: skip


def test_the_table_replaces_the_last_one_and_nothing_else(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nstale figures\n{END}\nafter\n")
    for _ in range(2):
        write_docs(page, RUN.rows(), "make chaos SEED=7")
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "stale figures" not in text
    assert text.count("| — lost | 3 |") == 1


def test_a_page_without_a_place_for_the_table_is_refused(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(ValueError, match="no place"):
        write_docs(page, RUN.rows(), "make chaos")


@pytest.mark.parametrize("named", sorted(set(TESTS.values())))
def test_the_test_a_row_names_exists(named):
    file, _, test = named.partition("::")
    assert re.search(rf"def {test}\(", (ROOT / file).read_text())
