"""One JSON object a line on stdout, where Lambda collects it. An event is `noun.verb_past`; values are fields."""

import json
import sys
import traceback
from typing import Any


def info(event: str, **fields: Any) -> None:
    """Something happened as it should."""
    _write("info", event, fields)


def warning(event: str, **fields: Any) -> None:
    """Something was refused, or is not as whoever sent it believes."""
    _write("warning", event, fields)


def error(event: str, **fields: Any) -> None:
    """Something went wrong; the exception that is being handled is added, with where it came from."""
    raised = sys.exc_info()[1]
    if raised is not None:
        fields |= {"error": f"{type(raised).__name__}: {raised}", "traceback": traceback.format_exc()}
    _write("error", event, fields)


def _write(level: str, event: str, fields: dict[str, Any]) -> None:
    told = {"level": level, "event": event} | {name: value for name, value in fields.items() if value is not None}
    # One write a line: threads of one process share the stream.
    sys.stdout.write(json.dumps(told, default=str, separators=(",", ":")) + "\n")
