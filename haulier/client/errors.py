"""Errors of the client. Each says what happened; `hint` says what to do about it.

HaulierError
├── BadAddress      what was given is not the address of an object
├── NotConfigured   no environment, region or credentials to work with
├── NotFound        there is no such job, object, dataset or letter
├── Ambiguous       more than one job's id begins so
├── Refused         the job's state, or the stack's permissions, do not allow it
├── TimedOut        what was waited for did not happen in time
└── Damaged         what was stored or transferred is not what its record says
"""


class HaulierError(Exception):
    """Root of the client's errors."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class BadAddress(HaulierError):
    pass


class NotConfigured(HaulierError):
    pass


class NotFound(HaulierError):
    pass


class Ambiguous(HaulierError):
    pass


class Refused(HaulierError):
    pass


class TimedOut(HaulierError):
    pass


class Damaged(HaulierError):
    pass
