"""Writes `docs/cli.md` from the command line itself; with `--check` only says whether it is up to date."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from haulier.cli.app import app
from haulier.cli.exits import MEANINGS

TARGET = Path(__file__).resolve().parent.parent / "docs" / "cli.md"

_HEAD = """\
<!-- Written by `make docs`; change the commands' own texts, not this page. -->

# The command line

Data goes to stdout: a table on a terminal, JSON lines otherwise or with `--json`. Talk goes to stderr. A job may be
named by any beginning of its id that no other job has. Which stack is meant: the one `--env` names, else the embedded
one if it is up, else `HAULIER_ENVIRONMENT`'s. Errors are one line and a hint; `HAULIER_DEBUG=1` shows where they came
from.
"""


def render() -> str:
    """The whole page."""
    lines = [_HEAD, "## Exit codes\n", "| code | meaning |", "|---|---|"]
    lines += [f"| {code.value} | {meaning} |" for code, meaning in MEANINGS.items()]
    root: Any = get_command(app)
    lines += ["", "## Before the command\n", *_parameters(root), ""]
    for name, command in root.commands.items():
        lines += _command(name, command)
    return "\n".join(lines).rstrip() + "\n"


def _command(name: str, command: Any) -> Iterator[str]:
    if hasattr(command, "commands"):
        for below, one in command.commands.items():
            yield from _command(f"{name} {below}", one)
        return
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    usage = " ".join(f"{p.metavar or p.name.upper()}" if p.required else f"[{p.metavar}]" for p in arguments)
    yield f"## `haulier {name}{' ' + usage if usage else ''}`\n"
    yield f"{command.help}\n"
    yield from _parameters(command)
    yield ""


def _parameters(command: Any) -> Iterator[str]:
    shown = [p for p in command.params if p.name not in ("help", "install_completion", "show_completion")]
    if shown:
        yield "| | | default |"
        yield "|---|---|---|"
    for parameter in shown:
        if parameter.param_type_name == "argument":
            named = f"`{parameter.metavar or parameter.name.upper()}`"
        else:
            named = ", ".join(f"`{option}`" for option in parameter.opts) + _value(parameter)
        default = parameter.default if parameter.default not in (None, False, (), []) else ""
        yield f"| {named} | {_cell(parameter.help or '')} | {f'`{default}`' if default not in ('', ()) else ''} |"


def _value(option: Any) -> str:
    return "" if option.is_flag else f" {_cell(option.metavar)}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> int:
    written = render()
    if "--check" in sys.argv[1:]:
        if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == written:
            return 0
        print("docs/cli.md is not what the commands say: run `make docs`", file=sys.stderr)
        return 1
    TARGET.write_text(written, encoding="utf-8")
    print(f"wrote {TARGET.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
