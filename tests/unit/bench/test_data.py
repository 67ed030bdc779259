"""What the generators say of their data is what Python's own readers find in it."""

import csv
import gzip
import io
import json
from collections import Counter
from decimal import Decimal, InvalidOperation

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data import hostile, lineitem, orders
from bench.data.deflate import GZIP_HEAD, flushed, gzip_tail
from bench.data.recipe import Recipe, Segment, Truth, pieces, write_out
from bench.data.shelf import Shelf, repeated, without_schema

SIZE = 400_000


def _code(row: list[str]) -> str | None:
    """By the orders' schema, written down once more and independently."""
    if len(row) != len(orders.COLUMNS):
        return "too_few_fields" if len(row) < len(orders.COLUMNS) else "too_many_fields"
    order = dict(zip(orders.COLUMNS, row, strict=True))
    if not order["quantity"]:
        return "required"
    if order["status"] not in orders.STATUSES:
        return "not_in_enum"
    try:
        int(order["order_id"]), Decimal(order["unit_price"]), float(order["amount"])
        year, month, day = map(int, order["order_date"].split("-"))
        if not (1 <= month <= 12 and 1 <= day <= 31 and year > 2000):
            return "bad_type"
        return "out_of_range" if int(order["quantity"]) < 1 else None
    except (ValueError, InvalidOperation):
        return "bad_type"


def test_the_truth_about_orders_is_what_the_csv_module_finds():
    data, truth = orders.csv_rows(7, SIZE)
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert len(rows) == truth.records
    assert Counter(code for row in rows if (code := _code(row))) == Counter(truth.bad)
    assert truth.rejected == truth.records // orders.BAD_ONE_IN
    assert {code for _, _, code in orders.CSV_FLAWS} == set(truth.bad)
    assert any("\n" in row[-1] for row in rows)


@pytest.mark.parametrize("end", [b"\n", b",\n"])
def test_the_truth_about_json_orders_is_what_the_json_module_finds(end):
    flaws = orders.JSON_FLAWS if end == b"\n" else orders.ARRAY_FLAWS
    data, truth = orders.json_rows(7, SIZE, flaws=flaws, end=end)
    lines = data.decode().removesuffix(end.decode()).split(end.decode())
    assert len(lines) == truth.records
    broken = others = 0
    for line in lines:
        try:
            others += not isinstance(json.loads(line), dict)
        except ValueError:
            broken += 1
    assert (broken, others) == (truth.bad.get("bad_json", 0), truth.bad["not_an_object"])


def test_no_row_is_bad_when_no_flaw_is_asked_for():
    data, truth = orders.json_rows(7, SIZE, flaws=())
    assert truth.bad == {}
    assert all(isinstance(json.loads(line), dict) for line in data.splitlines())


def test_line_items_have_sixteen_fields():
    data, truth = lineitem.rows(7, SIZE)
    rows = [line.split("|") for line in data.decode().splitlines()]
    assert len(rows) == truth.records
    assert {len(row) for row in rows} == {len(lineitem.COLUMNS)} == {16}


def test_the_same_seed_gives_the_same_bytes():
    assert orders.csv_rows(3, 10_000) == orders.csv_rows(3, 10_000)
    assert list(hostile.files(3, 10_000)) == list(hostile.files(3, 10_000))


def test_pieces_repeated_in_one_gzip_member_are_what_gzip_reads():
    head, body = b"a,b\n", b"1,2\n" * 999
    packed = GZIP_HEAD + flushed(head) + flushed(body) * 3 + gzip_tail([(head, 1), (body, 3)])
    assert gzip.decompress(packed) == head + body * 3
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
        assert file.read() == head + body * 3


@given(
    sizes=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 5)), min_size=1, max_size=4),
    ends=st.tuples(st.integers(0, 120), st.integers(0, 120)),
)
def test_any_range_of_a_recipe_is_that_range_of_its_bytes(sizes, ends):
    contents = {str(n): bytes(range(n * 16, n * 16 + size)) for n, (size, _) in enumerate(sizes)}
    segments = tuple(Segment(str(n), size, repeats) for n, (size, repeats) in enumerate(sizes))
    whole = b"".join(contents[segment.file] * segment.repeats for segment in segments)
    start, end = min(ends), min(max(ends), len(whole))
    got = b"".join(contents[p.file][p.offset : p.offset + p.length] for p in pieces(segments, start, end))
    assert got == whole[start:end]


def test_a_recipe_survives_json():
    recipe = Recipe("a.csv", {"name": "d"}, (Segment("x", 3, 2),), Truth(4, {"bad_type": 1}), 9)
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert (recipe.size, recipe.read_bytes, recipe.truth.good) == (6, 9, 3)


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "data", tmp_path / "none")


def test_the_truth_of_an_object_counts_every_repetition(shelf, tmp_path):
    recipe = repeated(shelf.recipe("orders.csv", 50_000), 3)
    write_out(recipe, shelf.root, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    assert (tmp_path / "a.csv").stat().st_size == recipe.size
    assert len(rows) == recipe.truth.records
    assert sum(1 for row in rows if _code(row)) == recipe.truth.rejected


def test_the_array_of_any_size_is_one_json_value(shelf, tmp_path):
    recipe = shelf.recipe("orders.json", 50_000)
    write_out(recipe, shelf.root, tmp_path / "a.json")
    assert len(json.loads((tmp_path / "a.json").read_text())) == recipe.truth.records


def test_the_gzip_object_holds_the_plain_one(shelf, tmp_path):
    plain, packed = shelf.recipe("orders.csv", 50_000), shelf.recipe("orders.csv.gz", 50_000)
    write_out(plain, shelf.root, tmp_path / "a.csv")
    write_out(packed, shelf.root, tmp_path / "a.csv.gz")
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()) == (tmp_path / "a.csv").read_bytes()
    assert packed.read_bytes == plain.size
    assert packed.truth == plain.truth


def test_only_structural_flaws_count_when_nobody_looks_into_the_records(shelf):
    recipe = without_schema(shelf.recipe("orders.jsonl", SIZE))
    assert set(recipe.truth.bad) == {"bad_json", "not_an_object"}
    assert "schema" not in recipe.dataset
