"""Errors of what crosses a boundary.

ContractError
├── InvalidMessage      an SQS body that no release of Haulier wrote: to the DLQ, with this reason
├── NewerMessage        a body of a newer release: give it back, stop receiving
├── InvalidRecord       an item of the table that no release of Haulier wrote, or that is damaged
├── NewerRecord         an item that a newer release wrote: give its message back, stop receiving
├── InvalidEvent        what arrived at intake is none of the envelopes we know: to the intake DLQ
└── InvalidDataset      a dataset's configuration that cannot be used: told to whoever put it
"""


class ContractError(Exception):
    """Root of this package's errors. `code` is stable and short; the text is for the person who must act."""

    code = "contract"


class InvalidMessage(ContractError):
    code = "invalid_message"


class NewerMessage(ContractError):
    code = "newer_message"


class InvalidRecord(ContractError):
    code = "invalid_record"


class NewerRecord(InvalidRecord):
    code = "newer_record"


class InvalidEvent(ContractError):
    code = "invalid_event"


class InvalidDataset(ContractError):
    """A dataset's YAML is wrong. `problems` names field, line and what to write instead, one entry each."""

    code = "invalid_dataset"

    def __init__(self, name: str, problems: list[str]) -> None:
        super().__init__(f"dataset {name}: " + "; ".join(problems))
        self.name = name
        self.problems = problems
