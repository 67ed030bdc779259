import pytest

from haulier.jobs.calls import drive
from haulier.jobs.idempotency import KeyItem, KeyTaken, caller_of, cause_of, find_key, keep_key, key_id
from tests.fakes.table import FakeTable

ROLE = "arn:aws:sts::000000000000:assumed-role/loader"


@pytest.mark.parametrize(
    ("arn", "caller"),
    [
        (f"{ROLE}/one-session", ROLE),
        (f"{ROLE}/another@example.com", ROLE),
        (f"{ROLE}/a/b", ROLE),
        ("arn:aws-cn:sts::000000000000:assumed-role/loader/s", "arn:aws-cn:sts::000000000000:assumed-role/loader"),
        ("arn:aws:iam::000000000000:user/teams/data/ann", "arn:aws:iam::000000000000:user/teams/data/ann"),
        ("arn:aws:iam::000000000000:root", "arn:aws:iam::000000000000:root"),
        ("arn:aws:sts::000000000000:federated-user/ann", "arn:aws:sts::000000000000:federated-user/ann"),
    ],
)
def test_the_sessions_of_a_role_are_one_caller_and_a_user_is_one(arn: str, caller: str):
    assert caller_of(arn) == caller


def test_no_two_callers_and_keys_meet_in_one_item_or_cause():
    pairs = [("a", "b"), ("ab", "c"), ("a", "bc"), ("b", "a")]
    assert len({key_id(*pair) for pair in pairs}) == len({cause_of(*pair) for pair in pairs}) == 4


class Table(FakeTable):
    def call(self, call):
        return self.perform(call.operation, dict(call.params))


def test_what_a_key_stood_for_first_stays():
    table = Table()
    first = KeyItem("hash", "j1", "v1")
    assert drive(find_key("t", "idem#1", "hash"), table.call) is None
    assert drive(keep_key("t", "idem#1", first, 0), table.call) == first
    assert drive(keep_key("t", "idem#1", KeyItem("hash", "j2"), 0), table.call) == first
    assert drive(find_key("t", "idem#1", "hash"), table.call) == first


def test_another_body_is_refused_whoever_comes_first():
    table = Table()
    drive(keep_key("t", "idem#1", KeyItem("hash", "j1"), 0), table.call)
    with pytest.raises(KeyTaken):
        drive(find_key("t", "idem#1", "another"), table.call)
    with pytest.raises(KeyTaken):
        drive(keep_key("t", "idem#1", KeyItem("another", "j2"), 0), table.call)


def test_a_key_expires_with_the_job_s_record():
    table = Table()
    drive(keep_key("t", "idem#1", KeyItem("hash", "j1"), 1000), table.call)
    assert table.items["idem#1", "key"]["expires_at"] == {"N": str(1 + 120 * 86400)}
