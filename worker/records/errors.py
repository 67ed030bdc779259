"""Errors of the data plane. All are permanent: the same bytes and the same configuration fail again.

RecordsError
├── DatasetUnusable     the dataset's configuration cannot be applied to this object
├── InputBroken         the object's bytes cannot be decompressed to their end
└── Unbalanced          records were lost or doubled on the way: a defect of Haulier
"""


class RecordsError(Exception):
    """`code` is stable and short; the text is for the person who must act."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class DatasetUnusable(RecordsError):
    """Codes: column_missing, extra_column, bad_expression, bad_pattern, bad_format, bad_limit, no_columns,
    schema_needed, column_unknown, column_taken, column_unusable.
    """


class InputBroken(RecordsError):
    """Codes: truncated, corrupt, expands_too_far."""


class Unbalanced(RecordsError):
    """Code: unbalanced. Nothing of the block is written, so that no output lacks records without a word."""

    def __init__(self, message: str) -> None:
        super().__init__("unbalanced", message)
