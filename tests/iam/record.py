"""Reads a record of calls (`haulier.local.recording`)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.iam.policy import Request

REFUSED = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation")


@dataclass(frozen=True)
class Call:
    """One call that was made.

    Attributes:
        role: name of the role that made it; None for the account's owner.
        rights: what it took, in the order in which IAM was asked.
        error: the answer's error code, if it had one.
        owner: the account that the bucket was expected to belong to, and that of a copy's source.
    """

    role: str | None
    rights: tuple[Request, ...]
    status: int
    error: str | None
    owner: tuple[str | None, str | None]

    @property
    def refused(self) -> bool:
        return self.error in REFUSED


def read(file: Path) -> Iterator[Call]:
    """Every call of a record; a line that is being written is left out."""
    for line in file.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            raw = json.loads(line)
            yield Call(
                role=raw["role"],
                rights=tuple(Request(r["action"], r["resource"], r.get("context", {})) for r in raw["rights"]),
                status=raw["status"],
                error=raw["error"],
                owner=(raw["owner"][0], raw["owner"][1]),
            )
