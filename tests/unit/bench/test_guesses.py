"""The bench's own truth about record starts, against the planner's definition; and how wrong guesses are counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data import hostile
from bench.guesses import guessed, over, reading_of, starts
from haulier.contracts.dataset import Dataset
from haulier.jobs.delimited import Dialect

DATASET = Dataset.model_validate({"name": "d", "format": {"type": "csv", "delimiter": ","}})


@given(st.text('ab,"\r\n', max_size=60))
def test_starts_by_the_csv_module_are_those_of_the_one_definition(text):
    data, dialect = text.encode(), Dialect.of(",", '"')
    expected, at = [0], 0
    while at < len(data):
        at = dialect.record_at(data, at).next
        expected.append(at)
    assert starts(data, 0, ",") == expected


@pytest.mark.parametrize(("name", "data"), [*hostile.files(1, 20_000)], ids=[name for name, _ in hostile.files(1, 1)])
def test_hostile_files_have_four_columns(name, data):
    assert reading_of(data, DATASET).columns == ("a", "b", "c", "d")
    assert starts(data, 0, ",")[-1] == len(data)


def test_every_guess_is_right_when_there_is_no_quote():
    data = hostile.HEADER + b"1,2,3,4\n" * 5000
    (found,) = over([("plain", data, DATASET)], (1001,))
    assert (found.cuts, found.wrong) == (39, 0)


def test_about_half_the_guesses_are_wrong_when_nobody_can_know():
    data = hostile.HEADER + b'x,y,z,"\nx,y,z,"\n' * 20_000
    reading = reading_of(data, DATASET)
    found = guessed("undecidable", data, reading, 1003, starts(data, reading.body_start, ","))
    assert found.cuts > 300
    assert 0.2 < found.wrong / found.cuts < 0.8
