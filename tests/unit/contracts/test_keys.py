import pytest

from haulier.contracts import keys

ATTEMPT = "0123456789abcdef0123456789abcdef"


def test_an_output_key_holds_run_chunk_attempt_and_number():
    key = keys.output_key("flights", "jx", 2, chunk=42, attempt=ATTEMPT, number=1, suffix=".jsonl.gz")
    assert key == f"processed/flights/jx/run=2/chunk-00042-{ATTEMPT}-0001.jsonl.gz"
    assert keys.attempt_of(key) == (42, ATTEMPT)


def test_a_rejects_key_mirrors_its_output():
    key = keys.rejects_key("flights", "jx", 2, chunk=42, attempt=ATTEMPT)
    assert key == f"rejected/flights/jx/run=2/chunk-00042-{ATTEMPT}.jsonl"
    assert keys.attempt_of(key) == (42, ATTEMPT)


@pytest.mark.parametrize("key", ["processed/a/b/run=1/_manifest.json", "incoming/x.csv", "processed/a/chunk-1-2"])
def test_other_keys_hold_no_attempt(key):
    assert keys.attempt_of(key) is None


@pytest.mark.parametrize("prefix", keys.OWN_PREFIXES)
def test_what_haulier_writes_never_starts_a_job(prefix):
    assert keys.is_own(prefix + "anything")


def test_what_users_put_may_start_a_job():
    assert not keys.is_own("incoming/processed/a.csv")
