"""Reports of a zip's members as one: bounded, however many members there are."""

from functools import reduce

from haulier.contracts.profile import MAX_PROFILED_COLUMNS, PROFILE_BYTES, ChunkProfile, ColumnProfile
from haulier.contracts.report import ChunkReport
from haulier.jobs.sketch import EMPTY, pack
from worker.chunk.together import NOTHING_READ, together


def report(names: list[str], *, rejects: list[str] | None = None, left_out: int = 0) -> ChunkReport:
    columns = tuple(ColumnProfile(name=name, kind="string", values=1, nulls=0, sketch=pack(EMPTY)) for name in names)
    rejected = {name: {"bad_type": 1} for name in (names if rejects is None else rejects)}
    profile = ChunkProfile(hash="h", columns=columns, left_out=left_out, rejects=rejected)
    return NOTHING_READ.model_copy(update={"profile": profile})


def named(letter: str, width: int = 0) -> list[str]:
    return [f"{letter}{n}".ljust(width, "x") for n in range(MAX_PROFILED_COLUMNS)]


def test_the_profile_stays_within_its_bound_when_each_member_has_columns_and_rejects_of_its_own():
    found = reduce(together, [report(named(letter, 400)) for letter in "abcdefgh"]).profile
    assert len(found.to_json().encode()) <= PROFILE_BYTES
    assert {column.name for column in found.columns} == set(found.rejects) <= set(named("a", 400))


def test_rejects_of_columns_that_are_not_written_are_kept_when_there_is_room():
    found = reduce(together, [report(["a"], rejects=["renamed"]), report(["b"]), report(["a"], rejects=["renamed"])])
    assert found.profile.rejects == {"b": {"bad_type": 1}, "renamed": {"bad_type": 2}}


def test_columns_left_out_are_not_counted_twice_when_members_leave_out_the_same_ones():
    members = [report(named("a")), report(named("b")), report(named("b")), report(named("a"), left_out=7)]
    assert reduce(together, members).profile.left_out == MAX_PROFILED_COLUMNS
