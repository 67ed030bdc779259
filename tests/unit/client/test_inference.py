import bz2
import gzip
import lzma
import random

import pytest

from haulier.client.datasets import read_file
from haulier.client.errors import Damaged, NotConfigured, NotFound, Refused
from haulier.client.inference import InferredSchema, infer_schema
from haulier.contracts.dataset import Dataset
from haulier.contracts.limits import PEEK_BYTES
from haulier.jobs.datasets import read_dataset
from haulier.jobs.infer import inferred_columns, with_inferred
from haulier.jobs.peek import peek

INFERRING = Dataset.model_validate({"name": "default", "schema": {"infer": True}})
SMALL = "id,when,größe,no\n1,2024-01-01,1.5,007\n".encode()
LARGE = b"id,text\n" + b"".join(b"%d,%s\n" % (n, random.Random(n).randbytes(20).hex().encode()) for n in range(20_000))


def _no_stack():
    raise NotConfigured("no stack")


def test_yaml_can_be_pasted_into_a_dataset_when_a_file_was_looked_at(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(SMALL)
    found = infer_schema(_no_stack, str(path))
    assert found.to_yaml() == (
        "schema:\n  columns:\n"
        "    - {name: id, type: integer, exact: true}\n    - {name: when, type: date, exact: true}\n"
        "    - {name: größe, type: float, exact: true}\n    - {name: 'no', type: string}\n"
    )
    assert read_dataset("d", found.to_yaml()).schema_.columns == found.columns
    assert found.remarks[0].startswith("schema inferred from all 1 record: id integer")


@pytest.mark.parametrize(
    "name", ["a\nb", "\n", "\x85", "a\u2028b", "\t", "\x01", "😀\n", "#", "a: b", "1", "null", " "]
)
def test_yaml_is_read_as_it_was_meant_when_a_name_is_odd(name):
    columns = inferred_columns({name: "integer", "n": "string"})
    text = InferredSchema(columns, ()).to_yaml()
    assert read_dataset("d", text).schema_.columns == columns
    assert len(text.splitlines()) == 4


@pytest.mark.parametrize("data", [SMALL, LARGE, b"id\n", b""], ids=["small", "large", "header", "empty"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress], ids=["none", "gzip", "bz2", "xz"])
def test_it_is_what_the_run_infers_when_the_file_is_compressed_or_long(tmp_path, data, pack):
    path = tmp_path / "a.csv"
    path.write_bytes(pack(data))
    found = infer_schema(_no_stack, str(path))
    complete = len(data) <= PEEK_BYTES
    run = peek(data[:PEEK_BYTES], key="a.csv", complete=complete, compression="none", dataset=INFERRING)
    assert (found.columns, found.remarks) == (with_inferred(INFERRING, run).schema_.columns, run.remarks)


def test_members_are_one_text_when_a_file_has_several(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(SMALL[:20]) + gzip.compress(SMALL[20:]))
    assert [column.type for column in infer_schema(_no_stack, str(path)).columns] == [
        "integer", "date", "float", "string",
    ]  # fmt: skip


def test_an_object_is_looked_at_when_its_address_is_given(stack):
    stack.s3.objects["bucket", "x/a.jsonl"] = b'{"a":5}\n'
    stack.s3.objects["bucket", "empty.csv"] = b""
    assert [column.type for column in infer_schema(lambda: stack.connection, "s3://bucket/x/a.jsonl").columns] == [
        "integer"
    ]
    assert infer_schema(lambda: stack.connection, "s3://bucket/empty.csv").to_yaml() == "schema: {columns: []}\n"
    with pytest.raises(NotFound, match="there is no object"):
        infer_schema(lambda: stack.connection, "s3://bucket/none.csv")


def test_format_flatten_and_columns_are_used_when_a_configuration_is_given(stack, tmp_path):
    stack.s3.objects["bucket", "x/a"] = b'{"a":{"b":1,"c":"2024-01-01"}}\n{"a":{"b":2}}\n'
    using = tmp_path / "d.yaml"
    using.write_text(
        "format: {type: jsonl}\nschema: {columns: [{name: a.b, type: float}]}\ntransforms:\n  - flatten: {}\n"
    )
    assert read_file(using)[0] == "d"
    found = infer_schema(lambda: stack.connection, "s3://bucket/x/a", using)
    assert [(column.name, column.type, column.exact) for column in found.columns] == [
        ("a.b", "float", False),
        ("a.c", "date", True),
    ]


@pytest.mark.parametrize(
    ("name", "data", "error", "told"),
    [
        ("a.csv.zst", b"\x28\xb5\x2f\xfd", Refused, "compressed with zstd"),
        ("a.zip", b"PK\x03\x04" + bytes(26), Refused, "compressed with zip"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00" + bytes(6) + b"\xff" * 50, Damaged, "is broken"),
        ("a.png", b"\x89PNG\r\n\x1a\n\x00\x00", Refused, "PNG"),
    ],
)
def test_the_reason_is_told_when_a_file_cannot_be_looked_at(tmp_path, name, data, error, told):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(error, match=told):
        infer_schema(_no_stack, str(path))
    with pytest.raises(NotFound):
        infer_schema(_no_stack, str(tmp_path / "none"))
