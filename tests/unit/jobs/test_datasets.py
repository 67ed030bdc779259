import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.contracts.dataset import Dataset, Match
from haulier.contracts.errors import InvalidDataset
from haulier.jobs.datasets import conflicts, match_dataset, read_dataset

WHOLE = """
name: flights
match:
  - {prefix: incoming/flights/, suffix: .csv}
format: {type: csv, delimiter: ";"}
schema:
  nulls: ["", NA]
  columns:
    - {name: year, type: integer, required: true, min: 1900, max: 2100}
    - {name: day, type: date, min: 2013-01-01}
    - {name: carrier, enum: [UA, AA]}
    - {name: price, type: decimal, precision: 10, scale: 2}
transforms:
  - rename: {year: y}
  - filter: "y > 2000"
output: {format: parquet}
chunking: {threshold_bytes: 4096, chunk_bytes: 4096}
max_invalid_ratio: 0.01
"""


def test_a_whole_configuration_is_read():
    dataset = read_dataset("flights", WHOLE)
    assert [column.type for column in dataset.schema_.columns] == ["integer", "date", "string", "decimal"]
    assert dataset.schema_.columns[1].min == "2013-01-01"
    assert dataset.output.suffix == ".parquet"
    assert Dataset.model_validate_json(dataset.to_json()) == dataset


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("transforms:\n  - drop: [a]\n  - flatten: {}\n", "line 1: transforms: flatten comes once and before"),
        ("transforms:\n  - flatten: {max_depth: 99}\n", "line 2: transforms.1.flatten.max_depth: Input should be"),
        ("transforms:\n  - flatten:\n", "line 2: transforms.1.flatten: Input should be"),
        ("transforms:\n  - flatten: {}\noutput: {format: csv}\n", r"flatten to csv needs .* \(a\.b for instance\)"),
        ("schema:\n  infer: maybe\n", "line 2: schema.infer"),
        (
            "schema:\n  columns:\n    - {name: a, type: date, formats: ['%d'], exact: true}\n",
            "leave out formats or exact",
        ),
    ],
)
def test_what_is_wrong_with_flatten_or_inference_is_told_with_its_line(text, told):
    with pytest.raises(InvalidDataset, match=told):
        read_dataset("d", text)


def test_flatten_and_inference_are_stored_as_they_are_read():
    text = "schema: {infer: true, columns: [{name: a_b, type: float, exact: true}]}\n"
    dataset = read_dataset("d", text + "transforms:\n  - flatten: {columns: [a], separator: _, max_depth: 2}\n")
    assert Dataset.model_validate_json(dataset.to_json()) == dataset
    assert dataset.flattening is not None
    assert (dataset.flattening.columns, dataset.flattening.separator) == (("a",), "_")


def test_an_empty_file_is_the_defaults():
    assert read_dataset("d", "") == Dataset(name="d")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("output:\n  format: xml\n", "line 2: output.format"),
        ("schema:\n  columns:\n    - name: a\n      type: int\n", "line 4: schema.columns.1.type"),
        ("schema:\n  columns:\n    - {name: a, type: decimal}\n", "line 3: schema.columns.1: type: decimal needs"),
        ("max_invalid_ratio: 2\n", "line 1: max_invalid_ratio"),
        ("queue: fast\n", "line 1: queue"),
        ("surprise: 1\n", "line 1: surprise"),
        ("name: other\n", "line 1: name"),
        ("- a\n", "line 1"),
        ("a: [\n", "not YAML"),
        ("output: {format: parquet, layout: single}\n", "layout: single"),
        ("\ntransforms:\n  - {rename: {a: b}, drop: [c]}\n", "line 2: transforms: entry 1 must have exactly one"),
        ("format: {columns: [a]}\n", "header: false"),
        ("chunking: {chunk_bytes: 10}\n", "chunk_bytes"),
        ("transforms:\n  - default: {a: .inf}\n", "finite"),
        ("schema: {columns: [{name: a, type: float, min: .nan}]}\n", "finite"),
        ("match:\n  - prefix: incoming/a/\n    suffix: .csv\n    prefix: b\n", "line 4: prefix: is given twice"),
        ("queue: bulk\nqueue: bulk\n", "line 2: queue: is given twice"),
        ("schema: {columns: [{name: a, type: integer, min: 5, max: 2}]}\n", "min 5 is greater than max 2"),
        ("schema: {columns: [{name: a, type: date, min: 2024-01-02, max: 2024-01-01}]}\n", "is after max"),
        ("schema: {columns: [{name: a, min_length: 5, max_length: 2}]}\n", "min_length 5 is greater"),
        ('schema: {nulls: ["\\uD800"]}\n', ""),
        ("schema:\n  columns:\n" + "".join(f"    - {{name: column_with_a_name_{n}}}\n" for n in range(3000)), "larger"),
    ],
)
def test_a_mistake_is_told_with_its_field_and_line(text, told):
    with pytest.raises(InvalidDataset) as caught:
        read_dataset("d", text)
    assert told in str(caught.value)


def test_bounds_beyond_the_precision_of_a_float_stay_exact():
    text = "schema: {columns: [{name: a, type: integer, min: 9007199254740993}]}"
    assert read_dataset("d", text).schema_.columns[0].min == 9007199254740993


def test_every_mistake_is_told_at_once():
    with pytest.raises(InvalidDataset) as caught:
        read_dataset("d", "queue: fast\nmax_invalid_ratio: 2\n")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("transforms:\n  - cast: {A: integr}\n", "line 2: transforms.1.cast.A: Input should be 'string',"),
        ("transforms: [7]\n", "line 1: transforms.1: must be a verb"),
        ("transforms: [{trim: {a: b}}]\n", "line 1: transforms.1.trim: Input should be"),
        ("transforms: [{default: {a: [1]}}]\n", "line 1: transforms.1.default.a: must be one text or number"),
        ("transforms: [{default: {a: .inf}}]\n", "line 1: transforms.1.default.a: Input should be a finite number"),
        ("schema: {columns: [{name: a, type: float, min: [1]}]}\n", "schema.columns.1.min: must be one text or number"),
    ],
)
def test_one_mistake_is_one_problem_when_pydantic_tries_every_member_of_a_union(text, told):
    with pytest.raises(InvalidDataset) as caught:
        read_dataset("d", text)
    (problem,) = caught.value.problems
    assert told in problem


def test_mistakes_are_told_in_the_order_of_the_file():
    with pytest.raises(InvalidDataset) as caught:
        read_dataset("d", "surprise: 1\nmax_invalid_ratio: 2\nqueue: fast\nother: 1\n")
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [f"line {n}" for n in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    "text", ["enrich: &a []\nmatch: *a\n", "output: &o {format: csv}\nformat: {<<: *o, header: true}"]
)
def test_an_alias_is_no_repetition(text):
    with contextlib.suppress(InvalidDataset):
        read_dataset("d", text)
    with pytest.raises(InvalidDataset, match="is given twice"):
        read_dataset("d", text + "\nqueue: bulk\nqueue: bulk\n")


@pytest.mark.parametrize("name", ["", "A", "a/b", "..", "a" * 65, "a\n"])
def test_a_name_that_cannot_be_part_of_a_key_is_refused(name):
    with pytest.raises(InvalidDataset):
        read_dataset(name, "")


@given(st.text(max_size=200))
def test_nothing_but_our_own_error_comes_out_of_the_reader(text):
    with contextlib.suppress(InvalidDataset):
        read_dataset("d", text)


def of(name: str, *rules: tuple[str, str]) -> Dataset:
    return Dataset(name=name, match=tuple(Match(prefix=prefix, suffix=suffix) for prefix, suffix in rules))


def test_the_longest_prefix_wins_then_the_longest_suffix():
    wide, narrow = of("wide", ("incoming/", ".csv")), of("narrow", ("incoming/a/", ""))
    gz = of("gz", ("incoming/", ".csv.gz"), ("incoming/", ".gz"))
    everything = [wide, narrow, gz]
    assert match_dataset(everything, "incoming/a/x.csv") is narrow
    assert match_dataset(everything, "incoming/x.csv") is wide
    assert match_dataset(everything, "incoming/x.csv.gz") is gz
    assert match_dataset(everything, "other/x.csv") is None


def test_an_equal_match_is_a_conflict_and_a_dataset_is_none_with_itself():
    first, second = of("first", ("incoming/", ".csv")), of("second", ("incoming/", ".csv"))
    assert conflicts(second, [first]) == ["match prefix 'incoming/' suffix '.csv' is dataset first's already"]
    assert conflicts(first, [first]) == []
