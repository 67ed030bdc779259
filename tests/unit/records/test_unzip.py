"""A zip is what its directory says: every member whole, or an error that names it."""

import io
import random
import struct
import tracemalloc
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haulier.contracts.limits import KIB, MAX_ZIP_MEMBERS, MIB
from tests.fakes.zips import Entry, make_zip, packed
from worker.records import InputBroken
from worker.records.expansion import Expansion
from worker.records.streams import LARGEST_PIECE_BYTES
from worker.records.zip_directory import LOCAL_HEADER_BYTES, TAIL_BYTES, Directory, read_directory
from worker.records.zip_member import GAP_BYTES, MemberStage, check_gap, check_name, header_bytes

TEXT = b"".join(b"%d,name %d\n" % (n, n * n) for n in range(500))
METHODS = [0, 8, 9, 12, 14, 93, 95]


def directory_of(archive: bytes, *, tail: int = TAIL_BYTES, **bounds: int) -> Directory:
    start = max(len(archive) - tail, 0)
    while True:
        found = read_directory(archive[start:], size=len(archive), expansion=Expansion("s3://in/a.zip", **bounds))
        if isinstance(found, Directory):
            return found
        assert found < start
        start = found


def unzip(archive: bytes, size: int = 100, **bounds: int) -> dict[str, bytes]:
    """As `worker.chunk.archive` does it, over bytes that are all here."""
    name = "s3://in/a.zip"
    directory, expansion = directory_of(archive, **bounds), Expansion(name, **bounds)
    at, out = 0, {}
    for member in directory.members:
        check_gap(archive[at : member.at][:GAP_BYTES], at, archive=name)
        fixed = archive[member.at : member.at + LOCAL_HEADER_BYTES]
        at = member.at + header_bytes(fixed, member, archive=name)
        check_name(archive[member.at : at], member, archive=name)
        if not member.left_out:
            stage = MemberStage(member, expansion)
            stored = archive[at : at + member.stored]
            pieces = [b"".join(stage.feed(stored[cut : cut + size])) for cut in range(0, len(stored), size)]
            stage.finish()
            out[member.name] = b"".join(pieces)
        at += member.stored
    check_gap(archive[at : directory.end][:GAP_BYTES], at, archive=name)
    return out


def refused(archive: bytes, code: str, *names: str, **bounds: int) -> None:
    with pytest.raises(InputBroken) as caught:
        unzip(archive, **bounds)
    assert caught.value.code == code, caught.value
    assert all(name in str(caught.value) for name in ("s3://in/a.zip", *names)), caught.value


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("how", [{}, {"descriptor": True}, {"zip64": True}], ids=["plain", "descriptor", "zip64"])
def test_members_are_whole_when_they_are_of_any_method(method, how):
    entries = [Entry("a.csv", TEXT, method, **how), Entry("dir/b.csv", b"x,y\n", method, **how)]
    for archive in (make_zip(entries), make_zip(entries, comment=b"a comment"), make_zip(entries, zip64=True)):
        for size in (1, 33, 1 << 20):
            assert unzip(archive, size) == {"a.csv": TEXT, "dir/b.csv": b"x,y\n"}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("seekable", [True, False])
def test_members_are_whole_when_pythons_zipfile_made_the_archive(method, seekable):
    file = io.BytesIO()
    file.seekable = lambda: seekable
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.mkdir("dir")
        archive.writestr("dir/größe.csv", TEXT)
        with archive.open("b.csv", "w", force_zip64=True) as member:
            member.write(TEXT)
    assert unzip(file.getvalue()) == {"dir/größe.csv": TEXT, "b.csv": TEXT}


@settings(deadline=None)
@given(
    texts=st.lists(st.binary(max_size=300), min_size=1, max_size=5),
    method=st.sampled_from(METHODS),
    size=st.integers(1, 80),
    descriptor=st.booleans(),
)
def test_members_are_whole_when_they_are_anything_and_are_cut_anywhere(texts, method, size, descriptor):
    named = {f"{at}.csv": text for at, text in enumerate(texts)}
    archive = make_zip([Entry(name, text, method, descriptor=descriptor) for name, text in named.items()])
    assert unzip(archive, size) == {name: text for name, text in named.items() if text}


def test_no_stored_byte_stays_in_memory_when_a_member_of_deflate64_was_read():
    entry = Entry("a.csv", random.Random(7).randbytes(4 * MIB), 9)
    archive = make_zip([entry])
    unzip(archive, 4097)
    tracemalloc.start()
    try:
        assert unzip(archive, 4097) == {"a.csv": entry.data}
        assert tracemalloc.get_traced_memory()[0] < 64 * KIB
    finally:
        tracemalloc.stop()


def test_the_members_of_a_stored_archive_are_not_taken_for_its_own_when_one_is_a_zip_itself():
    inner = make_zip([Entry("inner.csv", TEXT)], comment=b"x")
    assert unzip(make_zip([Entry("in.zip", inner, 0), Entry("b.csv", TEXT)])) == {"in.zip": inner, "b.csv": TEXT}


def test_more_is_asked_for_when_the_directory_lies_before_the_tail():
    entries = [Entry(f"{'long name ' * 20}{n}.csv", b"%d\n" % n, 0) for n in range(1500)]
    archive = make_zip(entries, zip64=True)
    found = read_directory(archive[-TAIL_BYTES:], size=len(archive), expansion=Expansion("x"))
    assert isinstance(found, int)
    assert len(directory_of(archive).members) == 1500
    assert directory_of(archive) == directory_of(archive, tail=100) == directory_of(archive, tail=10 * MIB)


def test_members_come_in_the_order_in_which_they_lie_when_the_directory_has_another():
    archive = make_zip([Entry("a", b"1" * 50, 0), Entry("b", b"2" * 50, 0)])
    start = archive.index(b"PK\x01\x02")
    one = start + 47
    swapped = archive[:start] + archive[one : one + 47] + archive[start:one] + archive[one + 47 :]
    assert list(unzip(swapped)) == ["a", "b"]


@pytest.mark.parametrize("system", [3, 19], ids=["Unix", "macOS"])
def test_a_link_is_left_out_and_told_when_the_archive_holds_it_as_a_link(system):
    file, link = io.BytesIO(), zipfile.ZipInfo("link.csv")
    link.create_system, link.external_attr = system, 0o120777 << 16
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.csv", TEXT)
        archive.writestr(link, "a.csv")
    assert unzip(file.getvalue()) == {"a.csv": TEXT}
    assert directory_of(file.getvalue()).remarks == ("zip members that are symbolic links were left out: link.csv",)


def test_a_member_is_read_when_its_name_is_another_one_by_its_unicode_path_field(monkeypatch):
    """As Python 3.12 and later give it: 7-Zip, WinRAR and old Info-ZIP write the field (0x7075) beside a plain name."""
    decode = zipfile.ZipInfo._decodeExtra

    def decoded(info, *rest):
        decode(info, *rest)
        info.filename = "größe.csv"

    monkeypatch.setattr(zipfile.ZipInfo, "_decodeExtra", decoded)
    assert unzip(make_zip([Entry("gr__e.csv", TEXT)])) == {"größe.csv": TEXT}


@pytest.mark.parametrize(
    ("system", "raw", "name"),
    [(3, "größe.csv".encode(), "größe.csv"), (3, b"gr\x94\xe1e.csv", "größe.csv"), (0, b"\xc3\xa4", "├ñ")],
    ids=["UTF-8 from Unix", "cp437 from Unix", "cp437 from DOS"],
)
def test_a_name_is_what_was_meant_when_no_flag_says_its_encoding(system, raw, name):
    entry = Entry("?" * len(raw), TEXT, flags=0)
    archive = bytearray(make_zip([entry]).replace(entry.name.encode(), raw))
    archive[archive.index(b"PK\x01\x02") + 5] = system
    assert unzip(bytes(archive)) == {name: TEXT}


def test_a_member_is_refused_when_its_name_would_swell_every_record():
    refused(make_zip([Entry("x" * 1021 + ".csv", TEXT)]), "unsupported_member", "…", ".csv", "1025", "shorten")
    assert unzip(make_zip([Entry("x" * 1020 + ".csv", TEXT)])) == {"x" * 1020 + ".csv": TEXT}


def test_what_holds_no_records_is_left_out_and_told_when_it_is_no_directory():
    clutter = [Entry(f"__MACOSX/._{n}", b"\x00\x05\x16\x07", 0, flags=1) for n in range(7)]
    empty, found = Entry("empty.csv"), directory_of
    archive = make_zip([Entry("d/"), empty, Entry("a.csv", TEXT), Entry("d/.DS_Store", b"Bud1", 99), *clutter])
    assert unzip(archive) == {"a.csv": TEXT}
    told = " ".join(found(archive).remarks)
    assert "empty.csv" in told
    assert "d/.DS_Store" in told
    assert "3 more" in told
    assert "d/," not in told
    assert found(make_zip([Entry("a.csv", TEXT), Entry("d/")])).remarks == ()
    assert (
        found(make_zip([Entry("d/")])).remarks
        == found(make_zip([])).remarks
        == ("the zip holds no member with records",)
    )


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (Entry("bad.csv", TEXT, flags=0x0801), "encrypted_member"),
        (Entry("bad.csv", TEXT, flags=0x0841), "encrypted_member"),
        (Entry("bad.csv", TEXT, 99), "encrypted_member"),
        (Entry("bad.csv", TEXT, 98), "unsupported_member"),
        (Entry("bad.csv", TEXT, 6), "unsupported_member"),
        (Entry("bad.csv", TEXT, flags=0x0820), "unsupported_member"),
        (Entry("bad.csv", TEXT, central={"disk": 2}), "split_archive"),
        (Entry("bad.csv/", TEXT), "corrupt"),
        (Entry("bad.csv", TEXT, central={"size": len(TEXT) - 1}), "corrupt"),
        (Entry("bad.csv", TEXT, central={"size": len(TEXT) + 1}), "corrupt"),
        (Entry("bad.csv", TEXT, central={"crc": 7}), "corrupt"),
        (Entry("bad.csv", TEXT, central={"stored": 10}), "corrupt"),
        (Entry("bad.csv", TEXT, central={"stored": 10_000}), "corrupt"),
        (Entry("bad.csv", TEXT, 0, central={"stored": 10}), "corrupt"),
        (Entry("bad.csv", TEXT, central={"method": 12}), "corrupt"),
        (Entry("bad.csv", TEXT, local={"name": b"other.csv"}), "corrupt"),
        (Entry("bad.csv", TEXT, local={"flags": 1}), "corrupt"),
        (Entry("bad.csv", TEXT, local={"method": 0}), "corrupt"),
        (Entry("bad.csv", TEXT, local={"signature": b"XXXX"}), "corrupt"),
        (Entry("bad.csv", TEXT, stored=packed(TEXT, 8) + b"garbage"), "corrupt"),
        (Entry("bad.csv", TEXT, stored=packed(TEXT, 8) + b"x" * 40_000), "corrupt"),
        (Entry("bad.csv", TEXT, 9, stored=packed(TEXT, 9) + b"x" * 40_000), "corrupt"),
        (Entry("bad.csv", TEXT, 14, stored=b"\x09\x04\x05\x00\xff" + b"\x00" * 40), "corrupt"),
        (Entry("bad.csv", TEXT, 14, stored=b"\x09\x04\x05\0\x5d" + b"\xff" * 44), "needs_too_much_memory"),
        *((Entry("bad.csv", TEXT, method, stored=b"\xffnothing of the kind" * 9), "corrupt") for method in METHODS),
    ],
)  # fmt: skip
def test_the_member_is_named_when_it_cannot_be_read(entry, code):
    named = () if code == "split_archive" else ("bad.csv",)
    refused(make_zip([Entry("good.csv", TEXT), entry]), code, *named)
    if "stored" not in entry.central:
        refused(make_zip([entry, Entry("good.csv", TEXT)]), code, *named)


def test_a_lie_in_sizes_that_only_the_local_header_tells_is_ignored_when_the_directory_knows_better():
    lies = {"size": 5, "stored": 5, "crc": 5}
    assert unzip(make_zip([Entry("a.csv", TEXT, local=lies), Entry("b.csv", b"1")])) == {"a.csv": TEXT, "b.csv": b"1"}


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_lost_unseen_when_the_archive_ends_at_any_byte(method):
    archive = make_zip([Entry("a.csv", b"1,2\n3,4\n", method), Entry("b.csv", b"5,6\n", method)], comment=b"xyz")
    for cut in range(len(archive)):
        with pytest.raises(InputBroken) as caught:
            unzip(archive[:cut])
        assert caught.value.code in ("truncated", "corrupt")


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_lost_unseen_when_any_byte_is_changed(method):
    members = {"a.csv": b"1,2\n3,4\n" * 3, "b.csv": b"5,6\n"}
    archive = make_zip([Entry(name, text, method) for name, text in members.items()])
    for at in range(len(archive)):
        broken = archive[:at] + bytes([archive[at] ^ 0x09]) + archive[at + 1 :]
        try:
            found = unzip(broken)
        except InputBroken:
            continue
        # A name has no checksum; what is in it has.
        assert list(found.values()) == list(members.values()), at


def test_bytes_behind_the_end_are_refused_when_they_are_not_zero():
    archive = make_zip([Entry("a.csv", TEXT)])
    assert unzip(archive + b"\x00" * 600) == {"a.csv": TEXT}
    refused(archive + b"\x00\n", "corrupt", "2 bytes after the end")


def test_two_archives_in_one_are_refused_when_the_last_directory_lists_its_own_members_only():
    one, two = make_zip([Entry("a.csv", TEXT)]), make_zip([Entry("b.csv", TEXT)])
    refused(one + two, "corrupt", "byte 0")
    refused(one + make_zip([]), "corrupt", "byte 0")


def test_a_member_that_was_taken_off_the_list_is_told_when_it_is_there():
    archive = make_zip([Entry("a.csv", TEXT), Entry("gone.csv", TEXT), Entry("c.csv", TEXT)])
    at = archive.index(b"PK\x01\x02", archive.index(b"PK\x01\x02") + 1)
    upto = archive.index(b"PK\x01\x02", at + 1)
    end = bytearray(archive[upto:])
    size = at - archive.index(b"PK\x01\x02") + len(end) - 22
    end[-22 + 8 : -22 + 16] = struct.pack("<2HL", 2, 2, size)
    refused(archive[:at] + bytes(end), "corrupt", "does not list")


@pytest.mark.parametrize("end", [{"entries": 1}, {"entries": 3}, {"size": 10}, {"size": 5000}])
def test_the_archive_is_refused_when_its_end_record_contradicts_its_directory(end):
    refused(make_zip([Entry("a.csv", TEXT), Entry("b.csv", TEXT)], **end), "corrupt")


def test_one_piece_of_a_split_archive_is_refused_when_it_is_the_last_one():
    refused(make_zip([Entry("a.csv", TEXT)], disk=2), "split_archive", "zip -s 0")


def test_an_archive_with_something_before_it_is_read_when_it_extracts_itself():
    assert unzip(b"MZ" + b"\x90" * 5000 + make_zip([Entry("a.csv", TEXT)])) == {"a.csv": TEXT}


def test_too_many_members_are_refused_when_a_directory_has_them():
    entries = [Entry(str(n), b"1", 0) for n in range(MAX_ZIP_MEMBERS + 1)]
    refused(make_zip(entries, zip64=True), "too_many_members")
    long = [Entry("x" * 60_000 + str(n), b"1", 0) for n in range(90)]
    refused(make_zip(long), "too_many_members")


def _overlapping(count: int) -> bytes:
    """Every entry lists the same data, as zip bombs do that are no nested archives."""
    kernel = Entry("0", bytes(100 * KIB))
    archive = make_zip([kernel] * count)
    start = archive.index(b"PK\x01\x02")
    first = archive[: archive.index(b"PK\x03\x04", 4)]
    directory = bytearray(archive[start:-22])
    for at in range(0, len(directory), 47):
        directory[at + 42 : at + 46] = struct.pack("<L", 0)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(first), 0)
    return first + bytes(directory) + end


def test_a_bomb_is_refused_when_its_members_overlap():
    refused(_overlapping(50), "corrupt", "reaches into")


def test_a_bomb_is_refused_before_it_is_read_when_the_directory_owns_up_to_its_size():
    archive = make_zip([Entry("a.csv", TEXT), Entry("b.csv", TEXT)])
    with pytest.raises(InputBroken) as caught:
        directory_of(archive, max_bytes=2 * len(TEXT) - 1)
    assert caught.value.code == "expands_too_far"
    assert len(directory_of(archive, max_bytes=2 * len(TEXT)).members) == 2


@pytest.mark.parametrize("method", [8, 9, 12, 14, 93, 95])
def test_a_bomb_is_refused_and_given_in_small_pieces_when_it_is_a_member(method, monkeypatch):
    monkeypatch.setattr("worker.records.expansion.EXPANSION_FREE_BYTES", 4 * MIB)
    archive = make_zip([Entry("bomb.csv", bytes(48 * MIB), method)])
    expansion = Expansion("s3://in/a.zip", max_expansion=20)
    (member,) = directory_of(archive).members
    at = LOCAL_HEADER_BYTES + len(member.name)
    pieces = map(len, MemberStage(member, expansion).feed(archive[at : at + member.stored]))
    given_out: list[int] = []
    with pytest.raises(InputBroken) as caught:
        given_out.extend(pieces)
    assert caught.value.code == "expands_too_far"
    assert max(given_out, default=0) <= (LARGEST_PIECE_BYTES if method in (9, 93) else MIB)
    assert sum(given_out) < 40 * MIB


def test_checksums_are_the_directorys_when_a_member_is_fed_nothing():
    (member,) = directory_of(make_zip([Entry("a.csv", TEXT)])).members
    assert member.crc == zlib.crc32(TEXT)
    with pytest.raises(InputBroken):
        MemberStage(member, Expansion("x")).finish()
