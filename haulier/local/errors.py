"""Errors of the embedded stack, for the person who typed the command.

LocalError
├── AlreadyUp       one is running
├── NoRepository    Haulier was installed with pip alone
├── MissingPackage  the repository is there, the packages of its `local` extra are not
├── SynthFailed     the CDK app said no
├── DeployFailed    CloudFormation said no; names each resource and its reason
└── StartFailed     emulator, supervisor or worker did not come up; shows the end of its log
"""


class LocalError(Exception):
    """What happened; `hint` is what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class AlreadyUp(LocalError):
    pass


class NoRepository(LocalError):
    pass


class MissingPackage(LocalError):
    pass


class SynthFailed(LocalError):
    pass


class DeployFailed(LocalError):
    pass


class StartFailed(LocalError):
    pass
