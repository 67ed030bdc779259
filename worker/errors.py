"""What may go wrong with one chunk, and the one question that decides what becomes of it: will another try help?

WorkerError
├── Permanent               no: a letter to the dead-letter queue, and the job fails
│   ├── SourceGone          the object was deleted after the job was accepted
│   ├── SourceChanged       the object is not the one the run pinned; bytes of two objects never mix
│   ├── SourceForbidden     the worker's role may not read it
│   ├── RangesIgnored       the storage answers a ranged read with something else
│   ├── Unsupported         the bytes cannot be read as any format, or not as the dataset says
│   ├── DatasetUnusable     the dataset's transforms do not fit the columns there are
│   ├── PieceGone           what a chunk committed was deleted or overwritten before it was joined
│   └── OutputTooLarge      one S3 object cannot hold the rejects of a chunk, or what was to be joined
└── Transient               perhaps: the chunk is given back with backoff
    ├── Outage              a service's failure and not the chunk's: not counted, up to `limits.MAX_OUTAGES`
    │   ├── Throttled       the service asked for patience
    │   ├── ServiceFault    the service answered 5xx, or contradicted itself
    │   ├── NotPermitted    the role lacks a right on our own table, queue or bucket; an operator's matter
    │   ├── Unreachable     no answer: network, time-out, name resolution
    │   ├── BrokenStream    the body ended before its length, again and again
    │   └── Hung            no progress within the stage's limit while a service was waited for
    ├── CallRefused         a service refused a call for what was in it; counted, like all below
    ├── Stalled             no progress within the stage's limit while we worked ourselves
    └── Unexpected          an exception nobody foresaw; counted, so that a bug ends in a letter and not in a loop

Outages are told by their kind and not by how many chunks they strike: of many workers each may see one.
"""

from typing import Self

from haulier.contracts.events import JobError
from haulier.contracts.reject import Stage
from haulier.jobs.calls import Service


class WorkerError(Exception):
    """Root. `code` is stable and short; the text is for the person who must act.

    Attributes:
        stage: where it went wrong.
    """

    code = "worker"
    stage = Stage.COORDINATE

    def __init__(self, message: str, *, stage: Stage | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.stage = stage or type(self).stage
        self.code = code or type(self).code

    @property
    def job_error(self) -> JobError:
        return JobError(stage=self.stage, code=self.code, message=str(self))


class Permanent(WorkerError):
    code = "permanent"


class SourceGone(Permanent):
    code = "source_gone"
    stage = Stage.READ


class SourceChanged(Permanent):
    code = "source_changed"
    stage = Stage.READ

    @classmethod
    def of(cls, uri: str, how: str) -> Self:
        return cls(
            f"{uri} changed after the job was accepted ({how}); nothing was published. "
            "The newer object has a job of its own if it was announced; else submit it again"
        )


class SourceForbidden(Permanent):
    code = "source_forbidden"
    stage = Stage.READ


class RangesIgnored(Permanent):
    code = "ranges_ignored"
    stage = Stage.READ


class Unsupported(Permanent):
    code = "unsupported"
    stage = Stage.PARSE


class DatasetUnusable(Permanent):
    code = "dataset_unusable"
    stage = Stage.TRANSFORM


class PieceGone(Permanent):
    code = "piece_gone"
    stage = Stage.WRITE


class OutputTooLarge(Permanent):
    code = "output_too_large"
    stage = Stage.WRITE


class Transient(WorkerError):
    code = "transient"


class Outage(Transient):
    """A service failed. `service` is botocore's name for it, where it is known."""

    code = "outage"

    def __init__(
        self, message: str, *, stage: Stage | None = None, code: str | None = None, service: Service | None = None
    ) -> None:
        super().__init__(message, stage=stage, code=code)
        self.service = service


class Throttled(Outage):
    code = "throttled"


class ServiceFault(Outage):
    code = "service_fault"


class NotPermitted(Outage):
    code = "not_permitted"


class Unreachable(Outage):
    code = "unreachable"


class BrokenStream(Outage):
    code = "broken_stream"
    stage = Stage.READ


class Hung(Outage):
    code = "hung"


class CallRefused(Transient):
    code = "call_refused"


class Stalled(Transient):
    code = "stalled"


class Unexpected(Transient):
    code = "unexpected"
