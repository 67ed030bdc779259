import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.contracts.errors import InvalidMessage, NewerMessage
from haulier.contracts.messages import ChunkMessage, decode_message

JOB = "j" + "a" * 26


def test_a_message_survives_the_queue():
    message = ChunkMessage(job_id=JOB, run=3, chunk=42, round=1, token="t" * 900)
    assert decode_message(message.to_json()) == message


def test_a_message_as_the_state_machine_writes_it_is_read():
    body = json.dumps({"version": 1, "job_id": JOB, "run": 1, "chunk": 0, "round": 0, "token": None})
    assert decode_message(body).token is None


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "not JSON"),
        ("[]", "list"),
        ("null", "NoneType"),
        ("{}", "job_id"),
        (json.dumps({"job_id": "x", "run": 1, "chunk": 0}), "job_id"),
        (json.dumps({"job_id": JOB, "run": 0, "chunk": 0}), "run"),
        (json.dumps({"job_id": JOB, "run": 1, "chunk": -1}), "chunk"),
        # 10,000 is the join of a run of 10,000 chunks.
        (json.dumps({"job_id": JOB, "run": 1, "chunk": 10_001}), "chunk"),
        (json.dumps({"job_id": JOB, "run": 1, "chunk": 0, "extra": 1}), "extra"),
        ("[" * 100_000, "JSON"),
    ],
)
def test_an_invalid_body_is_told_what_is_wrong_with_it(body, told):
    with pytest.raises(InvalidMessage, match=told):
        decode_message(body)


def test_a_newer_message_is_not_called_invalid():
    with pytest.raises(NewerMessage, match="version 2"):
        decode_message(json.dumps({"version": 2, "whatever": True}))


@given(
    st.one_of(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
        ).map(json.dumps),
    )
)
def test_nothing_but_our_own_errors_comes_out_of_the_decoder(body):
    with contextlib.suppress(InvalidMessage, NewerMessage):
        decode_message(body)
