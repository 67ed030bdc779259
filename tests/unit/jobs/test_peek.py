"""What an object's first bytes say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.contracts.dataset import DEFAULT_DATASET, Dataset
from haulier.contracts.run import Reading
from haulier.jobs.peek import compression_of, format_of_key, peek, unique_names
from haulier.jobs.refused import PeekError, refused_suffix


def read(head: bytes, key: str, *, complete: bool = True, compression: str = "none", **form) -> Reading:
    dataset = Dataset.model_validate({"name": "d", "format": form})
    return peek(head, key=key, complete=complete, compression=compression, dataset=dataset)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("incoming/a.csv", "csv"), ("a.CSV.GZ", "csv"), ("a.tsv.zst", "tsv"), ("a.ndjson", "jsonl"),
        ("a.json", "json"), ("a.txt", None), ("dir.csv/a", None), ("a", None), ("a.gz", None),
    ],
)  # fmt: skip
def test_type_follows_the_extension_when_it_tells(key, kind):
    assert format_of_key(key) == kind


@pytest.mark.parametrize(
    "key",
    [
        "a.parquet",
        "a.tar.bz2",
        "a.z01",
        "x/b.EXE",
        "a.png",
        "a.csv.lzma",
        "a.parquet.gz",
        "README.md",
        "a.py",
        "a.yaml",
        "a.html.gz",
        "a.pdf",
        "a.xlsx",
        "a.ini",
        "a.sh",
    ],
)
def test_suffix_is_refused_with_a_reason_when_it_cannot_be_read(key):
    assert key in (refused_suffix(key) or "")


@pytest.mark.parametrize("key", ["a.csv", "a.json.gz", "noext", "a.txt", "v1.2/report", "a.zip", "a.csv.BZ2", "b.xz"])
def test_suffix_passes_when_content_may_decide(key):
    assert refused_suffix(key) is None


PROSE = b"Dear reader,\nthis is a letter, and it holds no records, alas.\nYours\n"


@pytest.mark.parametrize("key", ["a.txt", "a.log", "x/A.TXT"])
def test_prose_is_refused_when_its_extension_does_not_say_what_it_is(key):
    with pytest.raises(PeekError, match=r"format\.type") as told:
        read(PROSE, key)
    assert told.value.code == "unsupported_content"
    assert read(PROSE, key, type="csv").type == "csv"
    assert read(PROSE, key, delimiter=",").type == "csv"


@pytest.mark.parametrize("head", [b"a,b\n1,2\n3,4\n", b"a|b\n1|2\n", b"a,b\n", b"", b"{}\n{}\n"])
def test_text_is_read_when_it_is_a_table(head):
    assert read(head, "a.txt").type in ("csv", "jsonl")


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\x1f\x8b\x08", "gzip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\x50\x2a\x4d\x18", "zstd"),
        (b"\x5f\x2a\x4d\x18", "zstd"),
        (b"BZh91AY&SY", "bz2"),
        (b"BZh1\x17rE8P\x90", "bz2"),
        (b"BZh9,a\n", "none"),
        (b"\xfd7zXZ\x00", "xz"),
        (b"PK\x03\x04", "zip"),
        (b"PK\x05\x06", "zip"),
        (b"PK,a\n", "none"),
        (b"a,b", "none"),
        (b"", "none"),
    ],
)
def test_compression_is_what_the_bytes_say_when_the_extension_says_otherwise(head, found):
    assert compression_of(head, key="a.csv.gz", dataset=DEFAULT_DATASET) == found


@pytest.mark.parametrize("head", [b"MZ\x90\x00", b"7,the middle of a stored member\n8,of a split archive\n"])
def test_a_zip_is_believed_by_its_name_when_it_begins_with_something_else(head):
    assert compression_of(head, key="in/a.csv.ZIP", dataset=DEFAULT_DATASET) == "zip"
    assert compression_of(head, key="in/a.csv.gz", dataset=DEFAULT_DATASET) == "none"
    assert compression_of(b"", key="in/a.zip", dataset=DEFAULT_DATASET) == "none"


def test_compression_is_what_is_configured_when_it_is():
    dataset = Dataset.model_validate({"name": "d", "format": {"compression": "none"}})
    assert compression_of(b"\x1f\x8b", key="a", dataset=dataset) == "none"


@pytest.mark.parametrize(
    "head",
    [
        b"PK\x03\x04\x00",
        b"BZh91AY&SY\x00\xff",
        b"PAR1\x15",
        b"\xff\xfe\x00\x00",
        b"\x00\x01\x02\x03",
        b"PK\x07\x08PK\x03\x04",
        b"Rar!\x1a\x07\x01\x00",
        b"7z\xbc\xaf\x27\x1c\x00",
        b"\x04\x22\x4d\x18d@",
        b"\x1f\x9d\x90a",
        b"a" * 257 + b"ustar\x0000",
    ],
)
def test_binary_content_is_refused_when_the_name_promises_text(head):
    with pytest.raises(PeekError) as caught:
        read(head, "in/a.csv")
    assert caught.value.code == "unsupported_content"
    assert "in/a.csv" in str(caught.value)


@pytest.mark.parametrize("compression", ["none", "gzip", "zip"])
@pytest.mark.parametrize(
    "head", [b"\x1f\x8b\x08", b"PK\x03\x04\x00", b"BZh91AY&SY", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"]
)
def test_compression_within_compression_is_refused_when_it_is_found(head, compression):
    with pytest.raises(PeekError) as caught:
        read(head, "in/a.csv.gz", compression=compression)
    assert caught.value.code == "unsupported_content"
    assert "in/a.csv.gz" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "compression"), [("a.gz", "gzip"), ("a.zst", "zstd"), ("a.bz2", "bz2"), ("a.xz", "xz"), ("a.zip", "zip")]
)
def test_compression_is_what_the_name_says_when_the_magic_is_cut_off(key, compression):
    whole = {
        "gzip": b"\x1f\x8b",
        "zstd": b"\x28\xb5\x2f\xfd",
        "bz2": b"BZh61AY&SY",
        "xz": b"\xfd7zXZ\x00",
        "zip": b"PK\x03\x04",
    }
    for size in range(1, len(whole[compression]) + 1):
        assert compression_of(whole[compression][:size], key=key, dataset=DEFAULT_DATASET) == compression


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_delimiter_is_found_when_others_stand_in_quoted_and_plain_values(delimiter):
    rows = [["id", "note", "price"], ["1", '"a, b; c | d\te"', "1"], ["2", "plain", "2"], ["3", '"x\ny"', "5"]]
    text = "\n".join(delimiter.join(row) for row in rows).encode()
    assert read(text, "a.csv").delimiter == delimiter
    assert read(text, "a.csv").columns == ("id", "note", "price")


def test_delimiter_is_the_semicolon_when_commas_are_in_the_numbers():
    assert read(b"a;b;c\n1,5;2,5;3,5\n4,5;5,5;6,5\n", "a.csv").delimiter == ";"


def test_tab_is_the_delimiter_when_the_name_says_tsv():
    assert read(b"a,x\tb,y\n", "a.tsv").columns == ("a,x", "b,y")


def test_one_column_is_read_when_nothing_delimits():
    assert read(b"name\nx\ny\n", "a.csv").columns == ("name",)


@pytest.mark.parametrize(
    ("names", "unique"),
    [
        (["a", "a", "a"], ("a", "a_2", "a_3")),
        (["a", "a_2", "a"], ("a", "a_2", "a_3")),
        (["a", "a", "a_2"], ("a", "a_3", "a_2")),
        (["", "x", ""], ("column_1", "x", "column_3")),
        (["column_2", ""], ("column_2", "column_2_2")),
    ],
)
def test_names_are_made_unique_when_they_repeat_or_are_empty(names, unique):
    assert unique_names(names) == unique


@given(st.lists(st.sampled_from(["", "a", "a_2", "a_3", "column_1", "column_2"]), max_size=8))
def test_names_never_collide_when_made_unique(names):
    made = unique_names(names)
    assert len(set(made)) == len(made) == len(names)


def test_body_starts_behind_mark_blank_lines_and_header_when_they_are_there():
    head = b'\xef\xbb\xbf\r\n\n"a\nb",c\r\n1,2\r\n'
    found = read(head, "a.csv")
    assert found.columns == ("a\nb", "c")
    assert head[found.body_start :] == b"1,2\r\n"


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_one_stream_with_raw_offsets_when_it_has_a_mark(codec):
    head = "\ufeffä;b\n1;2\n".encode(codec)
    found = read(head, "a.csv")
    assert (found.encoding, found.splittable, found.columns) == (codec, False, ("ä", "b"))
    assert head[found.body_start :].decode(codec) == "1;2\n"


def test_columns_are_numbered_or_configured_when_there_is_no_header():
    assert read(b"1,2\n", "a.csv", header=False).columns == ("column_1", "column_2")
    assert read(b"1,2\n", "a.csv", header=False, columns=["x", "y"]).columns == ("x", "y")
    assert read(b"1,2\n", "a.csv", header=False).body_start == 0


def test_header_too_long_is_said_when_it_does_not_end():
    with pytest.raises(PeekError) as caught:
        read(b'a,"b\nc\nd', "a.csv", complete=False)
    assert caught.value.code == "header_too_long"


def test_header_is_refused_when_it_cannot_be_decoded():
    with pytest.raises(PeekError) as caught:
        read("a,é\n".encode("latin-1"), "in/a.csv")
    assert caught.value.code == "undecodable_header"
    assert read("a,é\n".encode("latin-1"), "a.csv", encoding="latin-1").columns == ("a", "é")


@pytest.mark.parametrize(("key", "kind"), [("a.csv", "csv"), ("a.jsonl", "jsonl"), ("a.json", "json"), ("a", "csv")])
def test_empty_object_has_no_records_and_no_error_when_it_is_complete(key, kind):
    assert read(b"", key).type == kind


@pytest.mark.parametrize(
    ("head", "key", "kind", "remarked"),
    [
        (b'{"a":1}\n{"a":2}\n', "a.json", "jsonl", True),
        (b'{"a":1}\n', "a.json", "json", False),
        (b'{\n "a":1\n}\n', "a.json", "json", False),
        (b'[{"a":1},\n{"a":2}]', "a.json", "json", False),
        (b'[{"a":1},\n{"a":2}]', "a.jsonl", "json", True),
        (b'{"a":1}\n{"a":2}\n', "a.csv", "jsonl", True),
        (b'{"a":1\n{"a":2}\n{"a":3}\n', "a.jsonl", "jsonl", False),
        (b"a,b\n1,2\n", "a.json", "csv", True),
        (b"a,b\n1,2\n", "a.jsonl", "csv", True),
        (b'{"a":1}\n{"a":2}\n', "a.txt", "jsonl", False),
        (b"a\tb\n1\t2\n", "a", "tsv", False),
        (b"[draft] title,price\nx,1\n", "a.csv", "csv", False),
        (b"{odd},b\n1,2\n", "a.csv", "csv", False),
    ],
)
def test_content_wins_and_is_remarked_when_the_extension_is_wrong(head, key, kind, remarked):
    found = read(head, key)
    assert (found.type, bool(found.remarks)) == (kind, remarked)
    assert found.splittable == (kind != "json")


def test_value_longer_than_the_head_is_json_when_it_begins_so():
    assert read(b'[{"a": "' + b"x" * 5000, "a.json", complete=False).type == "json"


def test_type_is_what_is_configured_when_content_differs():
    assert read(b'{"a":1}\n', "a.json", type="csv").type == "csv"


def test_object_is_one_stream_when_it_is_compressed():
    assert not read(b"a,b\n1,2\n", "a.csv.gz", compression="gzip").splittable
