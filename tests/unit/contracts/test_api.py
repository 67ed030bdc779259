import json

import pytest
from pydantic import ValidationError

from haulier.contracts.api import (
    ANYWHERE,
    ERRORS,
    MAX_KEYS,
    QUEUE_OF,
    ROUTES,
    SubmitJob,
    request_schema,
    without_nulls,
)
from haulier.contracts.dataset import WORK_QUEUES
from haulier.contracts.events import JobRequested
from haulier.contracts.limits import MAX_KEY_BYTES
from scripts.api_docs import document


def test_no_two_routes_are_the_same():
    assert len({(route.method, route.path) for route in ROUTES}) == len({route.name for route in ROUTES}) == len(ROUTES)


def test_every_processing_type_is_a_queue_of_ours():
    assert set(QUEUE_OF.values()) <= set(WORK_QUEUES)


@pytest.mark.parametrize(
    "body",
    [{"key": "a"}, {"keys": ("a", "b")}, {"keys_object": "a"}, {"prefix": "a/"}, {"key": "a", "version_id": "v"}],
)
def test_what_may_be_asked_of_the_api_may_be_asked_on_the_bus(body):
    asked = SubmitJob(**body)
    JobRequested(bucket="bucket", **asked.model_dump(exclude={"bucket", "processing_type"}))


def test_a_key_is_as_long_as_s3_allows_and_no_longer():
    assert SubmitJob(key="k" * MAX_KEY_BYTES).key
    with pytest.raises(ValidationError):
        SubmitJob(key="ü" * (MAX_KEY_BYTES // 2 + 1))
    with pytest.raises(ValidationError):
        SubmitJob(keys=("k",) * (MAX_KEYS + 1))


def test_a_field_called_like_a_keyword_is_a_field():
    schema = {
        "title": "T",
        "properties": {"title": {"title": "Title", "anyOf": [{"$ref": "#/$defs/Name"}, {"type": "null"}]}},
        "required": ["title"],
    }
    assert without_nulls(schema, {"Name": {"type": "string", "title": "Name"}}) == {
        "properties": {"title": {"type": "string"}},
        "required": ["title"],
    }


def test_nothing_of_a_request_s_schema_is_referred_to():
    schema = json.dumps(request_schema(SubmitJob))
    assert "$ref" not in schema
    assert "$defs" not in schema


def test_every_reference_of_the_document_leads_somewhere():
    whole = document()
    text = json.dumps(whole)
    for reference in {part.split('"')[0] for part in text.split('"$ref": "')[1:]}:
        at = whole
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]


def test_the_document_tells_every_answer_of_every_route():
    for route in ROUTES:
        told = document()["paths"][route.path][route.method.lower()]
        assert set(map(int, told["responses"])) == {*route.answers, *route.errors, *ANYWHERE}
        assert {*route.errors, *ANYWHERE} <= set(ERRORS)


def test_a_reader_of_answers_is_told_to_expect_more_and_a_sender_that_nothing_else_is_taken():
    schemas = document()["components"]["schemas"]
    assert schemas["SubmitJob"]["additionalProperties"] is False
    assert "additionalProperties" not in schemas["Job"]
