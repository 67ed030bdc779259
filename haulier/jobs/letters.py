"""A letter: a message in a dead-letter queue, with the reason it is there."""

import re

from haulier.contracts.events import JobError
from haulier.contracts.messages import ERROR_MESSAGE, ERROR_STAGE, ERROR_TYPE
from haulier.jobs.calls import Call

_ATTRIBUTE_CHARS = 1000
_UNSENDABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What SQS takes is XML 1.0's characters (SendMessage, API reference)."""


def letter(dlq_url: str, body: str, error: JobError, *, group: str | None = None) -> Call:
    """The call that puts a body into a dead-letter queue with `error_type`, `error_message` and `error_stage`.

    SQS refuses an empty attribute and counts attributes into the 1 MiB of a message, so the text is cut.
    """

    def text(value: str) -> dict[str, str]:
        return {"DataType": "String", "StringValue": _UNSENDABLE.sub("?", value or "-")[:_ATTRIBUTE_CHARS]}

    params = {
        "QueueUrl": dlq_url,
        "MessageBody": _UNSENDABLE.sub("?", body) or "-",
        "MessageAttributes": {
            ERROR_TYPE: text(error.code),
            ERROR_MESSAGE: text(error.message),
            ERROR_STAGE: text(error.stage),
        },
    }
    if group:
        params["MessageGroupId"] = group
    return Call("sqs", "send_message", params)
