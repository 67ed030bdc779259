"""The same seed gives the same schedule, the same files and the same faults."""

import json

import pytest

from tests.chaos import cargo, faults, schedule
from tests.chaos.operations import operation


def test_the_schedule_is_the_same_when_the_seed_is():
    assert schedule.plan(7, 60, 3) == schedule.plan(7, 60, 3)
    assert schedule.plan(7, 60, 3) != schedule.plan(8, 60, 3)


def test_everything_planned_lies_within_the_time_and_strikes_workers_there_are():
    planned = schedule.plan(7, 120, 3)
    assert all(0 <= act.at < 120 and act.worker in range(3) for act in planned.acts)
    assert {act.kind for act in planned.acts} == {"put", *schedule.BLOWS, *schedule.MEDDLING}
    json.dumps(planned.as_json())


def test_terms_are_such_as_a_worker_accepts_and_skews_stay_within_the_margin():
    terms = [act.terms for act in schedule.plan(7, 1000, 3).acts]
    assert all(term.heartbeat_seconds <= term.lease_seconds / 3 for term in terms)
    assert max(term.skew_ms for term in terms) - min(term.skew_ms for term in terms) < 5000


@pytest.mark.parametrize("kind", cargo.KINDS)
def test_a_file_is_the_same_when_seed_and_number_are(kind):
    assert cargo.load(7, 3, kind) == cargo.load(7, 3, kind)


def test_the_nth_call_of_an_operation_always_meets_the_same_fate():
    fates = [faults.decide(7, "s3:GetObject", n) for n in range(500)]
    assert fates == [faults.decide(7, "s3:GetObject", n) for n in range(500)]
    assert {fate.kind for fate in fates if fate} >= {faults.Kind.CUT, faults.Kind.SLOW, faults.Kind.THROTTLE}


def test_every_kind_of_fault_has_an_operation_it_befalls():
    operations = ["dynamodb:PutItem", *faults.SPECIAL]
    met = {fate.kind for name in operations for n in range(3000) if (fate := faults.decide(1, name, n))}
    assert met == set(faults.Kind)


def test_a_service_goes_wrong_more_often_in_a_storm():
    calm, storm = (sum(faults.decide(1, "dynamodb:Query", n, storm=s) is not None for n in range(1000)) for s in (0, 1))
    assert storm > 5 * calm


SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, SignedHeaders=host"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "name"),
    [
        ("POST", "/", {"X-Amz-Target": "DynamoDB_20120810.UpdateItem"}, "dynamodb:UpdateItem"),
        ("POST", "/", {"X-Amz-Target": "AmazonSQS.ReceiveMessage"}, "sqs:ReceiveMessage"),
        ("POST", "/", {"X-Amz-Target": "AWSStepFunctions.SendTaskSuccess"}, "stepfunctions:SendTaskSuccess"),
        ("GET", "/bucket/a/b.csv", SIGNED, "s3:GetObject"),
        ("PUT", "/bucket/a%20b", SIGNED, "s3:PutObject"),
        ("POST", "/bucket/a?uploads", SIGNED, "s3:CreateMultipartUpload"),
        ("PUT", "/bucket/a?partNumber=1&uploadId=u", SIGNED, "s3:UploadPart"),
        ("POST", "/bucket/a?uploadId=u", SIGNED, "s3:CompleteMultipartUpload"),
        ("DELETE", "/bucket/a?uploadId=u", SIGNED, "s3:AbortMultipartUpload"),
        ("GET", "/bucket?list-type=2&prefix=p", SIGNED, "s3:ListObjectsV2"),
        ("GET", "/bucket?uploads&prefix=p", SIGNED, "s3:ListMultipartUploads"),
        ("POST", "/bucket?delete", SIGNED, "s3:DeleteObjects"),
        ("POST", "/", {}, "other:POST"),
    ],
)
def test_an_operation_is_known_from_its_request(method, path, headers, name):
    assert operation(method, path, headers) == name
