"""CSV collections: what is written is what the collection, or Python's csv module, says the file holds."""

import csv
import io
import json

import pytest

from tests.conformance.collections import PapaCase, members, papa_cases
from tests.unit.records.test_pipeline import through

_SPECTRUM = members("csv-spectrum.zip")
_NAMES = [name.removeprefix("csvs/").removesuffix(".csv") for name in _SPECTRUM if name.startswith("csvs/")]
_ONE_CHARACTER = [
    case
    for case in papa_cases()
    if len(case.delimiter) == len(case.quote) == 1 and case.delimiter != "\n" and case.data.strip(b"\r\n")
]


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
@pytest.mark.parametrize("name", _NAMES)
def test_records_are_the_collections_when_a_file_of_csv_spectrum_is_read(name: str, block: int) -> None:
    outcome = through(_SPECTRUM[f"csvs/{name}.csv"], f"{name}.csv", block=block, feed=block)
    expected = json.loads(_SPECTRUM[f"json/{name}.json"])
    if name == "location_coordinates":
        # Its JSON masks the phone number and is a lone object: only the other three fields can be compared.
        expected = [{**expected, "Contact Phone Number": outcome.records[0]["Contact Phone Number"]}]
    assert outcome.records == expected
    assert not outcome.rejects


def _rows(case: PapaCase) -> list[list[str]]:
    """The csv module's rows, less those of empty lines."""
    text = io.StringIO(case.data.decode("utf-8-sig"), newline="")
    return [row for row in csv.reader(text, delimiter=case.delimiter, quotechar=case.quote) if row]


@pytest.mark.parametrize("block", [1, 1 << 20])
@pytest.mark.parametrize("case", _ONE_CHARACTER, ids=lambda case: case.description)
def test_records_are_those_of_the_csv_module_when_a_case_of_papa_parse_is_read(case: PapaCase, block: int) -> None:
    rows = _rows(case)
    width = len(rows[0])
    names = [f"c{n}" for n in range(width)]
    how = {"type": "csv", "header": False, "columns": names, "delimiter": case.delimiter, "quote": case.quote}
    outcome = through(case.data, "f.csv", block=block, feed=block, format=how)
    if "unterminated_quote" in outcome.codes:
        # The csv module makes a row of what an open quote holds; we reject it with its reason.
        rows.pop()
    written = [list(record.values()) for record in outcome.records]
    assert written == [row for row in rows if len(row) == width]
    assert outcome.tally.read == len(rows) + outcome.codes.count("unterminated_quote")


_GUESSED = [case for case in _ONE_CHARACTER if "guessed" in case.description and not case.errors]
_TOLERANT = ("spaces between closing quote", "spaces after closing quote", "Mixed slash n and slash r")
"""What Papa Parse forgives and the csv module takes as it stands, which is our rule."""
_CLEAN = [
    case
    for case in _ONE_CHARACTER
    if not case.errors and case not in _GUESSED and not any(words in case.description for words in _TOLERANT)
]


@pytest.mark.parametrize("case", _GUESSED, ids=lambda case: case.description)
def test_delimiter_is_the_one_papa_parse_guesses_when_none_is_configured(case: PapaCase) -> None:
    names = [f"c{n}" for n in range(len(case.expected[0]))]
    outcome = through(case.data, "f.csv", format={"type": "csv", "header": False, "columns": names})
    assert [list(record.values()) for record in outcome.records] == case.expected


@pytest.mark.parametrize("case", _CLEAN, ids=lambda case: case.description)
def test_the_csv_module_and_papa_parse_agree_when_there_is_no_error(case: PapaCase) -> None:
    # An empty line is a record of one empty field for Papa Parse, and none for the csv module and us.
    rows = _rows(case)
    assert rows == [row for row in case.expected if row != [""]]
