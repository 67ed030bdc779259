"""What is learnt of a message on its way, to be measured when it is settled."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Measured:
    """For the line that is written when a message is settled.

    Attributes:
        names: of job, run, chunk, round and attempt, once it is claimed.
        tried_before: whether an earlier attempt was made for the chunk.
        committed: whether it was committed, whatever became of the steps after that.
        file_type: what the bytes were read as.
        read: records of the committed attempt.
        input_bytes: likewise.
    """

    names: dict[str, Any] = field(default_factory=dict)
    tried_before: bool = False
    committed: bool = False
    file_type: str | None = None
    read: int = 0
    input_bytes: int = 0
