"""What travels on the work queues, and what lies in the dead-letter queues.

A release writes what its predecessor can read; a worker that meets a newer version gives the message back and stops.
"""

import json
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from haulier.contracts.errors import InvalidMessage, NewerMessage
from haulier.contracts.ids import JOB_ID_PATTERN
from haulier.contracts.limits import MAX_CHUNKS
from haulier.contracts.model import WireModel

MESSAGE_VERSION = 1

# Message attributes of a letter in a dead-letter queue (all String).
ERROR_TYPE = "error_type"
ERROR_MESSAGE = "error_message"
ERROR_STAGE = "error_stage"
TRACE_HEADER = "AWSTraceHeader"


class ChunkMessage(WireModel):
    """One chunk on its way to a worker. Everything else is in the table, never in the message.

    Attributes:
        version: of this model; 1.
        job_id: whose chunk.
        run: which run, from 1.
        chunk: which chunk, from 0; the one after the last is the run's join (`haulier.jobs.join`).
        round: 0, or which redo.
        token: the Step Functions task token that waits for it, where one does.
    """

    version: Literal[1] = 1
    job_id: Annotated[str, Field(pattern=JOB_ID_PATTERN)]
    run: int = Field(ge=1)
    chunk: int = Field(ge=0, le=MAX_CHUNKS)
    round: int = Field(default=0, ge=0)
    token: str | None = None


def decode_message(body: str) -> ChunkMessage:
    """Reads an SQS body.

    Raises:
        InvalidMessage: it is not one of ours; the text says what is wrong with it.
        NewerMessage: a newer release wrote it.
    """
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidMessage(f"the body is not JSON ({error})") from error
    if not isinstance(raw, dict):
        raise InvalidMessage(f"the body is a JSON {type(raw).__name__}, not an object")
    version = raw.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and version > MESSAGE_VERSION:
        raise NewerMessage(f"version {version} of the message is newer than this worker's {MESSAGE_VERSION}")
    try:
        # A state machine writes every number as it stands in the plan, and absent tokens as null.
        return ChunkMessage.model_validate(raw)
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()[:5])
        raise InvalidMessage(f"not a chunk message: {told}") from error
