"""Data goes to stdout, as a table on a terminal and as JSON lines otherwise; talk goes to stderr."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from haulier.client.errors import Refused


class Output:
    """Where a command writes.

    Attributes:
        as_json: JSON lines although stdout is a terminal.
        talk: stderr.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.data = Console(soft_wrap=not sys.stdout.isatty())
        self.talk = Console(stderr=True, soft_wrap=True)

    @property
    def for_people(self) -> bool:
        return self.data.is_terminal and not self.as_json

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return self.data.width

    def show(self, rows: Iterable[Mapping[str, Any]], table: Callable[[], RenderableType]) -> None:
        """Writes the rows as JSON lines, or the table to a terminal."""
        if self.for_people:
            self.data.print(table())
            return
        for row in rows:
            self.line(row)

    def line(self, row: Mapping[str, Any]) -> None:
        """One JSON line."""
        sys.stdout.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
        sys.stdout.flush()

    def tell(self, text: str, style: str = "") -> None:
        """A line for a person."""
        self.talk.print(Text(text, style=style))

    def confirm(self, question: str, *, yes: bool) -> None:
        """Goes on if `--yes` was given or a person agrees.

        Raises:
            Refused: nobody agreed, or there is nobody to ask.
        """
        if yes:
            return
        if not sys.stdin.isatty():
            raise Refused(f"{question} Nobody is there to answer", "give --yes")
        if not typer.confirm(question, err=True):
            raise Refused("not done")
