import pytest

from haulier.jobs.calls import Call, drive
from haulier.jobs.lookup import BATCH, Unread, look_up


def test_more_than_a_batch_is_read_and_each_only_once() -> None:
    asked: list[int] = []

    def perform(call: Call) -> object:
        keys = call.params["RequestItems"]["t"]["Keys"]
        asked.append(len(keys))
        return {"Responses": {"t": [key for key in keys if key["job_id"]["S"] != "1"]}}

    wanted = [str(number) for number in range(BATCH + 50)]
    found = drive(look_up("t", [*wanted, *wanted], "job"), perform)

    assert asked == [BATCH, 50]
    assert set(found) == set(wanted) - {"1"}


def test_what_was_left_unread_is_read_again() -> None:
    left = [3, 1, 0]

    def perform(call: Call) -> object:
        keys = call.params["RequestItems"]["t"]["Keys"]
        keep = left.pop(0)
        unread = keys[len(keys) - keep :]
        more = {"UnprocessedKeys": {"t": {"Keys": unread}}} if unread else {}
        return {"Responses": {"t": keys[: len(keys) - keep]}} | more

    assert set(drive(look_up("t", "abcde", "job"), perform)) == set("abcde")


def test_a_table_without_capacity_is_told_of_and_not_taken_for_an_empty_one() -> None:
    def perform(call: Call) -> object:
        return {"Responses": {"t": []}, "UnprocessedKeys": call.params["RequestItems"]}

    with pytest.raises(Unread, match="2 items"):
        drive(look_up("t", "ab", "job"), perform)
