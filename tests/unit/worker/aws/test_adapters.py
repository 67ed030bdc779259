"""The adapters over a client that records what it is asked, and answers or refuses as told."""

from typing import Any, Self

import pytest
from botocore.exceptions import ClientError

from haulier.contracts.events import JobError
from haulier.contracts.source import Source
from haulier.jobs.calls import Call, ConditionFailed, NotFound
from worker.aws.perform import Performer
from worker.aws.s3_read import S3Source
from worker.aws.s3_write import S3Store
from worker.aws.sqs import SqsQueue
from worker.aws.tokens import TaskTokens
from worker.checksum import as_header, composite, crc32
from worker.errors import NotPermitted, ServiceFault, SourceChanged, SourceForbidden, SourceGone
from worker.ports import Part, Target

SOURCE = Source(bucket="in", key="a b", size=10, etag="e", version_id="v")


class Client:
    """Answers every operation with `answers[operation]`, raising it if it is an error."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Any:
        async def call(**params: Any) -> Any:
            self.asked.append((operation, params))
            answer = self.answers.get(operation, {})
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def _refused(code: str, **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "said"}, **more}, "Operation")


class Small:
    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def read(self) -> bytes:
        return b"bytes"


async def test_the_range_and_the_pinned_object_are_named_when_a_source_is_read():
    client = Client(get_object={"ContentRange": "bytes 2-4/10", "ContentLength": 3, "ETag": '"e"', "Body": None})
    reply = await S3Source(client, bucket_owner="123456789012").get(SOURCE, 2, 5, by_version=True)
    assert client.asked == [
        (
            "get_object",
            {
                "Bucket": "in", "Key": "a b", "Range": "bytes=2-4", "IfMatch": '"e"', "VersionId": "v",
                "ExpectedBucketOwner": "123456789012",
            },
        )
    ]  # fmt: skip
    assert (reply.content_range, reply.length, reply.etag) == ("bytes 2-4/10", 3, "e")


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        ("NoSuchKey", SourceGone),
        ("NoSuchVersion", SourceGone),
        ("PreconditionFailed", SourceChanged),
        ("InvalidRange", SourceChanged),
        ("AccessDenied", SourceForbidden),
        ("InternalError", ServiceFault),
    ],
)
async def test_the_answer_has_its_meaning_when_a_source_cannot_be_read(code, ours):
    with pytest.raises(ours):
        await S3Source(Client(get_object=_refused(code))).get(SOURCE, 0, 5, by_version=False)


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("FULL_OBJECT", {"ChecksumCRC32": "whole", "ChecksumType": "FULL_OBJECT"}),
        ("COMPOSITE", {"ChecksumCRC32": composite(["AAAAAQ==", "AAAAAg=="])}),
        (None, {}),
    ],
)
async def test_the_checksum_of_the_whole_is_the_one_the_server_makes_when_an_upload_is_completed(kind, sent):
    created = {"UploadId": "u"} | ({"ChecksumType": kind} if kind else {})
    client = Client(create_multipart_upload=created, complete_multipart_upload={"ETag": '"e-2"'})
    store = S3Store(client, "out")
    upload = await store.create(Target("k", "text/csv"))
    parts = [Part(1, "e1", "AAAAAQ=="), Part(2, "e2", "AAAAAg==")]
    stored = await store.complete("k", upload, parts, "whole")
    _, params = client.asked[-1]
    assert {name: value for name, value in params.items() if name.startswith("Checksum")} == sent
    assert stored.etag == "e-2"


@pytest.mark.parametrize(
    ("start", "end", "named"), [(2, 5, {"CopySourceRange": "bytes=2-4"}), (0, 10, {})], ids=["range", "whole"]
)
async def test_source_range_and_owners_are_named_when_a_part_is_copied(start, end, named):
    client = Client(upload_part_copy={"CopyPartResult": {"ETag": '"p"', "ChecksumCRC32": "AAAAAQ=="}})
    store = S3Store(client, "out", bucket_owner="123456789012")
    assert await store.copy_part("k", "u", 3, SOURCE, start, end) == Part(3, '"p"', "AAAAAQ==")
    assert client.asked == [
        (
            "upload_part_copy",
            {
                "Bucket": "out", "ExpectedBucketOwner": "123456789012", "ExpectedSourceBucketOwner": "123456789012",
                "Key": "k", "UploadId": "u", "PartNumber": 3, "CopySource": {"Bucket": "in", "Key": "a b"},
                "CopySourceIfMatch": '"e"', **named,
            },
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "ours"),
    [("NoSuchKey", SourceGone), ("PreconditionFailed", SourceChanged), ("AccessDenied", NotPermitted)],
)
async def test_the_answer_has_its_meaning_when_a_part_cannot_be_copied(code, ours):
    with pytest.raises(ours):
        await S3Store(Client(upload_part_copy=_refused(code)), "out").copy_part("k", "u", 1, SOURCE, 0, 5)


@pytest.mark.parametrize("kind", ["FULL_OBJECT", "COMPOSITE", None])
async def test_the_size_vouches_for_the_whole_when_the_server_said_no_checksum_of_copied_parts(kind):
    created = {"UploadId": "u"} | ({"ChecksumType": kind} if kind else {})
    client = Client(create_multipart_upload=created, complete_multipart_upload={"ETag": '"e-2"'})
    store = S3Store(client, "out")
    upload = await store.create(Target("k", "text/csv"))
    await store.complete("k", upload, [Part(1, "e1", ""), Part(2, "e2", "AAAAAg==")], None, size=11)
    _, params = client.asked[-1]
    listed = [{"PartNumber": 1, "ETag": "e1"}, {"PartNumber": 2, "ETag": "e2", "ChecksumCRC32": "AAAAAg=="}]
    assert params["MultipartUpload"] == {"Parts": listed}
    assert params["MpuObjectSize"] == 11
    assert not [name for name in params if name.startswith("Checksum")]


async def test_an_upload_that_is_gone_is_no_error_when_it_is_aborted():
    await S3Store(Client(abort_multipart_upload=_refused("NoSuchUpload")), "out").abort("k", "u")


@pytest.mark.parametrize("code", ["ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight"])
async def test_a_dead_receipt_is_an_answer_when_a_message_is_hidden_or_deleted(code):
    client = Client(delete_message=_refused(code), change_message_visibility=_refused(code))
    queue = SqsQueue(client, "bulk", url="u", dlq_url="d")
    assert not await queue.delete("r")
    assert not await queue.show_after("r", 5)


async def test_a_message_is_read_with_its_attributes_when_it_is_received():
    message = {
        "MessageId": "m", "ReceiptHandle": "r", "Body": "b",
        "Attributes": {
            "ApproximateReceiveCount": "3", "MessageGroupId": "g", "SentTimestamp": "17", "AWSTraceHeader": "t",
        },
    }  # fmt: skip
    queue = SqsQueue(Client(receive_message={"Messages": [message]}), "bulk", url="u", dlq_url="d")
    (received,) = await queue.receive(1, wait_seconds=1, visibility_seconds=90)
    assert (received.receives, received.group, received.trace, received.queue) == (3, "g", "t", "bulk")
    assert received.sent_at_ms == 17


@pytest.mark.parametrize("code", ["TaskDoesNotExist", "TaskTimedOut", "InvalidToken"])
async def test_a_dead_token_is_an_answer_when_it_is_answered_or_kept(code):
    refused = _refused(code)
    tokens = TaskTokens(Client(send_task_success=refused, send_task_failure=refused, send_task_heartbeat=refused))
    assert not await tokens.success("t")
    assert not await tokens.failure("t", JobError(stage="read", code="c", message="m"))
    assert not await tokens.heartbeat("t")


async def test_a_refusal_is_thrown_as_what_it_stands_for_when_a_call_is_performed():
    item = {"job_id": {"S": "j"}}
    client = Client(
        update_item=_refused("ConditionalCheckFailedException", Item=item), get_object=_refused("NoSuchKey")
    )
    perform = Performer({"dynamodb": client, "s3": client})
    with pytest.raises(ConditionFailed) as caught:
        await perform(Call("dynamodb", "update_item", {}))
    assert caught.value.item == item
    with pytest.raises(NotFound):
        await perform(Call("s3", "get_object", {"Bucket": "b", "Key": "k"}))


async def test_a_small_object_is_read_whole_when_a_procedure_asks_for_it():
    client = Client(get_object={"Body": Small()})
    perform = Performer({"s3": client}, bucket_owner="123456789012")
    answer = await perform(Call("s3", "get_object", {"Bucket": "b", "Key": "k"}))
    assert answer["Body"] == b"bytes"
    assert client.asked[0][1]["ExpectedBucketOwner"] == "123456789012"


def test_a_checksum_is_as_s3_writes_it():
    # The CRC-32 of "123456789" is CBF43926 (its check value in every catalogue).
    assert as_header(crc32(b"123456789")) == "y/Q5Jg=="
    assert crc32(b"6789", crc32(b"12345")) == 0xCBF43926


async def test_each_message_learns_its_fate_when_several_are_kept_hidden_together():
    failed = [
        {"Id": "1", "Code": "ReceiptHandleIsInvalid", "SenderFault": True},
        {"Id": "2", "Code": "InternalError", "SenderFault": False},
    ]
    client = Client(change_message_visibility_batch={"Successful": [], "Failed": failed})
    queue = SqsQueue(client, "bulk", url="u", dlq_url="d")
    assert await queue.show_all_after(["a", "b", "c", "d"], 90) == [True, False, None, True]


async def test_ten_messages_go_in_a_call_when_many_are_kept_hidden():
    client = Client()
    queue = SqsQueue(client, "bulk", url="u", dlq_url="d")
    assert await queue.show_all_after([f"r{n}" for n in range(12)], 90) == [True] * 12
    asked = [params for _, params in client.asked]
    assert [len(params["Entries"]) for params in asked] == [10, 2]
    assert asked[1]["Entries"][0] == {"Id": "0", "ReceiptHandle": "r10", "VisibilityTimeout": 90}


async def test_nothing_is_asked_when_no_message_is_kept():
    client = Client()
    assert await SqsQueue(client, "bulk", url="u", dlq_url="d").show_all_after([], 90) == []
    assert client.asked == []
