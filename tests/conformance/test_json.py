"""JSONTestSuite: `y_` must be accepted, `n_` must be refused, and of `i_` each parser decides; ours are stated here."""

import json
from decimal import Decimal
from typing import Any

import pytest

from haulier.jobs.refused import PeekError
from tests.conformance.collections import members
from tests.unit.records.test_pipeline import Outcome, through

_SUITE = {
    name.removeprefix("test_parsing/").removesuffix(".json"): data
    for name, data in members("json-test-suite.zip").items()
    if name.startswith("test_parsing/")
}
_GOOD = [name for name in _SUITE if name.startswith("y_")]
_CLOSES_EARLY = "n_structure_object_followed_by_closing_object"
"""`{}}`: inside a record the second brace closes the record itself, which is whole; what follows is the reject."""
_BAD = [name for name in _SUITE if name.startswith("n_") and name != _CLOSES_EARLY]
_OWN = [name for name in _SUITE if name.startswith("i_")]
SCHEMA = {"columns": [{"name": "n", "type": "integer"}]}


def _exact(data: bytes) -> Any:
    return json.loads(data, parse_float=Decimal)


def _elements(data: bytes, **config: Any) -> Outcome:
    """The document as a field of the middle one of three records of an array."""
    array = b'[{"n":1},{"n":2,"v":' + data + b'},\n{"n":3}]'
    return through(
        array, "f.json", block=32 + len(data) // 100, feed=5 + len(data) // 100, format={"type": "json"}, **config
    )


@pytest.mark.parametrize("config", [{}, {"schema": SCHEMA}], ids=["unread", "typed"])
@pytest.mark.parametrize("name", _GOOD)
def test_document_goes_through_undamaged_when_it_must_be_accepted(name: str, config: dict[str, Any]) -> None:
    outcome = _elements(_SUITE[name], **config)
    assert not outcome.rejects
    assert outcome.records == [{"n": 1}, {"n": 2, "v": _exact(_SUITE[name])}, {"n": 3}]


@pytest.mark.parametrize("config", [{}, {"schema": SCHEMA}], ids=["unread", "typed"])
@pytest.mark.parametrize("name", _BAD)
def test_document_is_no_record_when_it_must_be_refused(name: str, config: dict[str, Any]) -> None:
    outcome = _elements(_SUITE[name], **config)
    assert outcome.rejects
    assert all(record in ({"n": 1}, {"n": 3}) for record in outcome.records)


def test_record_ends_where_it_closes_when_a_brace_too_many_follows() -> None:
    outcome = _elements(_SUITE[_CLOSES_EARLY])
    assert outcome.records == [{"n": 1}, {"n": 2, "v": {}}]
    assert outcome.codes == ["bad_json"]


_ACCEPTED = {
    "i_number_double_huge_neg_exp",
    "i_number_real_underflow",
    "i_number_too_big_neg_int",
    "i_number_too_big_pos_int",
    "i_number_very_big_negative_int",
    "i_structure_500_nested_arrays",
}
"""Exact numbers of any size are kept as written; 500 levels are within the depth that is allowed.

Refused: numbers no double can hold, halves of surrogate pairs, and bytes that are not UTF-8.
"""


@pytest.mark.parametrize("config", [{}, {"schema": SCHEMA}], ids=["unread", "typed"])
@pytest.mark.parametrize("name", _OWN)
def test_document_is_kept_exactly_or_refused_when_parsers_may_differ(name: str, config: dict[str, Any]) -> None:
    outcome = _elements(_SUITE[name], **config)
    if name in _ACCEPTED:
        assert not outcome.rejects
        assert outcome.records[1]["v"] == _exact(_SUITE[name])
    else:
        assert outcome.records == [{"n": 1}, {"n": 3}]
        assert outcome.codes == ["bad_encoding" if _undecodable(_SUITE[name]) else "bad_json"]


def _undecodable(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return True
    return b"\x00" in data


_EMPTY = {"n_array_just_comma", "n_single_space", "n_structure_UTF8_BOM_no_data", "n_structure_no_data"}
"""An empty object holds no records and no mistakes; commas too many between elements are passed over."""


@pytest.mark.parametrize("kind", ["json", "jsonl"])
@pytest.mark.parametrize("name", [name for name in _SUITE if name.startswith("n_")])
def test_object_is_not_read_without_a_complaint_when_it_is_no_json(name: str, kind: str) -> None:
    data = _SUITE[name]
    try:
        outcome = through(
            data, f"f.{kind}", block=16 + len(data) // 100, feed=3 + len(data) // 100, format={"type": kind}
        )
    except PeekError:
        return
    assert outcome.rejects or (name in _EMPTY and not outcome.tally.read)
