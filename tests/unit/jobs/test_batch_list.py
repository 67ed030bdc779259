"""A batch's list: read in pieces, cut into groups."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.contracts.batch import BatchPin
from haulier.contracts.limits import GROUP_BYTES, GROUP_MEMBERS, KIB, LEAST_GROUP_MEMBERS
from haulier.contracts.source import Source
from haulier.jobs import listing
from haulier.jobs.batch import Listed, batch_job_id
from haulier.jobs.calls import Call, NotFound, PreconditionFailed, drive
from haulier.jobs.listing import ListError, grouped, list_section

_BUCKET = "in"


def _keys_of(listed: Listed) -> list[str]:
    return [key for group in listed.groups for key in group]


class _Bucket:
    """Answers listings in pages of three, and ranged reads."""

    def __init__(self, objects: Mapping[str, bytes], *, ignores_ranges: bool = False, etag: str = "e") -> None:
        self.objects = objects
        self.etag = etag
        self.ignores_ranges = ignores_ranges

    def perform(self, call: Call) -> Any:
        return getattr(self, call.operation)(**call.params)

    def list_objects_v2(self, *, Bucket: str, Prefix: str, StartAfter: str = "") -> Any:  # noqa: N803 - boto's
        assert Bucket == _BUCKET
        keys = sorted(key for key in self.objects if key.startswith(Prefix) and key > StartAfter)
        return {"Contents": [{"Key": key} for key in keys[:3]], "IsTruncated": len(keys) > 3}

    def get_object(self, *, Key: str, Range: str, IfMatch: str, **_: Any) -> Any:  # noqa: N803 - boto's
        if Key not in self.objects:
            raise NotFound(Key)
        if IfMatch != f'"{self.etag}"':
            raise PreconditionFailed(Key)
        first, last = map(int, Range.removeprefix("bytes=").split("-"))
        body = self.objects[Key]
        if self.ignores_ranges:
            return {"Body": body, "ContentLength": len(body)}
        return {"Body": body[first : last + 1], "ContentRange": f"bytes {first}-{last}/{len(body)}"}


def _all_of(bucket: _Bucket, pin: BatchPin, excluded: tuple[str, ...] = ()) -> list[Listed]:
    """Every section, one call each."""
    found: list[Listed] = []
    start: str | None = None
    while True:
        found.append(drive(list_section(pin, start, excluded), bucket.perform))
        start = found[-1].following
        if start is None:
            return found


def _of_prefix(prefix: str = "a/") -> BatchPin:
    return BatchPin(bucket=_BUCKET, prefix=prefix, accepted_at_ms=1)


def _of_object(body: bytes) -> BatchPin:
    listed = Source(bucket=_BUCKET, key="list", size=len(body), etag="e")
    return BatchPin(bucket=_BUCKET, keys_object=listed, accepted_at_ms=1)


@given(st.integers(0, 2000), st.integers(1, 40))
def test_groups_hold_every_key_in_order_and_are_neither_small_nor_large(count: int, length: int) -> None:
    keys = [f"{n:0{length}d}"[-1024:] for n in range(count)]
    groups = grouped(keys)
    assert [key for group in groups for key in group] == keys
    assert all(len(group) <= GROUP_MEMBERS for group in groups)
    assert all(len(group) >= LEAST_GROUP_MEMBERS for group in groups) or len(groups) == 1


@given(st.lists(st.text(min_size=1, max_size=300), max_size=60), st.integers(1, 8))
def test_no_group_is_more_than_a_child_can_be_given(texts: list[str], times: int) -> None:
    keys = [f"{n}{text * times}" for n, text in enumerate(texts)]
    groups = grouped(keys)
    assert [key for group in groups for key in group] == keys
    assert all(len(json.dumps(group, ensure_ascii=False).encode()) <= GROUP_BYTES + 4 * KIB for group in groups)


def test_keys_as_long_as_s3_allows_still_make_a_hundred_a_group() -> None:
    groups = grouped([f"{n:01024d}" for n in range(1000)])
    assert min(map(len, groups)) >= LEAST_GROUP_MEMBERS


@given(st.integers(0, 40), st.integers(1, 9))
def test_a_prefix_is_listed_whole_however_the_sections_fall(count: int, section: int) -> None:
    objects = {f"a/{n:03d}": b"" for n in range(count)} | {"b": b"", "a": b""}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "SECTION_MEMBERS", section)
        found = _all_of(_Bucket(objects), _of_prefix())
    assert [key for one in found for key in _keys_of(one)] == [f"a/{n:03d}" for n in range(count)]


def test_folders_and_excluded_keys_are_passed_over_and_counted() -> None:
    objects = dict.fromkeys(["a/", "a/b/", "a/b/1.csv", "a/2.tmp", "a/3.TMP", "a/4.csv"], b"")
    (found,) = _all_of(_Bucket(objects), _of_prefix(), (".tmp",))
    assert (_keys_of(found), found.folders, found.excluded) == (["a/4.csv", "a/b/1.csv"], 2, 2)


def test_a_list_in_the_request_is_one_section_without_repetitions() -> None:
    pin = BatchPin(bucket=_BUCKET, keys=("b", "a", "b"), accepted_at_ms=1)
    (found,) = _all_of(_Bucket({}), pin)
    assert _keys_of(found) == ["b", "a"]


_LINES = st.lists(st.text(st.characters(exclude_characters='\n\r"', exclude_categories=["Cs"]), min_size=1, max_size=9))


@given(_LINES, st.integers(2, 60), st.integers(1, 5), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_an_object_that_lists_keys_is_read_whole_however_the_windows_fall(
    keys: list[str], window: int, section: int, end: str, last: bool
) -> None:
    keys = [key for key in keys if key.strip()]
    body = (end.join(keys) + (end if last else "")).encode()
    longest = max((len(line) + 1 for line in body.split(b"\n")), default=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "WINDOW_BYTES", max(window, longest))
        patch.setattr(listing, "SECTION_MEMBERS", section)
        found = _all_of(_Bucket({"list": body}), _of_object(body))
    listed = [key for one in found for key in _keys_of(one)]
    # A key that is named twice in one section is one member.
    assert list(dict.fromkeys(listed)) == list(dict.fromkeys(keys))


def test_a_line_may_be_a_json_string() -> None:
    body = b'"a\\nb"\n \n"\\u00fc"\nc\n'
    (found,) = _all_of(_Bucket({"list": body}), _of_object(body))
    assert _keys_of(found) == ["a\nb", "ü", "c"]


@pytest.mark.parametrize("line", [b'"a', b"\xff", b"x" * 1025, b'"\\ud800"', b'""'])
def test_a_line_that_is_no_key_is_told_with_its_place(line: bytes) -> None:
    body = b"good\n" + line + b"\n"
    with pytest.raises(ListError, match="line at byte 5") as told:
        _all_of(_Bucket({"list": body}), _of_object(body))
    assert told.value.code == "invalid_list"


def test_a_line_without_end_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "WINDOW_BYTES", 8)
    body = b"x" * 20
    with pytest.raises(ListError, match="line at byte 0"):
        _all_of(_Bucket({"list": body}), _of_object(body))


def test_a_list_that_is_gone_or_another_one_is_told() -> None:
    with pytest.raises(ListError) as told:
        _all_of(_Bucket({}), _of_object(b"a\n"))
    assert told.value.code == "source_gone"
    with pytest.raises(ListError) as told:
        _all_of(_Bucket({"list": b"b\n"}, etag="other"), _of_object(b"a\n"))
    assert told.value.code == "source_changed"


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    body = b'\xef\xbb\xbf"a"\n\xef\xbb\xbfb\n'
    (found,) = _all_of(_Bucket({"list": body}), _of_object(body))
    assert _keys_of(found) == ["a", "\ufeffb"]


def test_a_page_that_says_more_follow_and_holds_nothing_is_an_accident_and_no_end() -> None:
    with pytest.raises(ConnectionError):
        drive(list_section(_of_prefix(), None, ()), lambda _: {"Contents": [], "IsTruncated": True})


def test_an_answer_to_another_range_is_an_accident_and_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "WINDOW_BYTES", 4)
    body = b"a\nb\nc\nd\n"
    with pytest.raises(ConnectionError):
        _all_of(_Bucket({"list": body}, ignores_ranges=True), _of_object(body))


def test_a_batch_is_named_by_its_members_its_dataset_and_its_cause() -> None:
    def named(cause: str = "", **changes: Any) -> str:
        return batch_job_id(BatchPin(bucket=_BUCKET, accepted_at_ms=7, **changes), cause)

    keys = {"keys": ("a", "b")}
    listed = Source(bucket=_BUCKET, key="x", size=1, etag="e")
    moved = listed.model_copy(update={"key": "y", "version_id": "2"})
    assert named(**keys) == named(keys=("b", "a", "b"), queue="priority")
    assert named(keys_object=listed) == named(keys_object=moved)
    missing = listed.model_copy(update={"etag": "", "size": 0})
    different = [
        named(keys_object=missing),
        named(keys_object=missing.model_copy(update={"key": "y"})),
        named(**keys),
        named("again", **keys),
        named(dataset="d", **keys),
        named(keys=("a",)),
        named(prefix="a"),
        named(prefix="a/"),
        named(keys_object=listed),
    ]
    assert len(set(different)) == len(different)
