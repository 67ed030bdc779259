"""The templates of each profile as they were last agreed on, so that a review sees what a change deploys.

`python -m tests.infra.golden` writes them anew. What changes without a change of meaning is left out of them, and what
is JSON within JSON (state machines, the dashboard) is opened, so that a diff is as small as the change.
"""

import json
import re
from difflib import unified_diff
from pathlib import Path
from typing import Any

from tests.infra.conftest import Stacks, Template

HERE = Path(__file__).parent
STACKS = ("data", "pipeline")
AGREED: dict[str, dict[str, Any]] = {"prod": {}, "dev": {"profile": "dev"}}
"""Profile → its settings, as a team deploys it; what else tests make is a set of settings and nobody's deployment."""
_VOLATILE = (
    # A zip's content.
    (re.compile(r"\b[0-9a-f]{64}\b"), "ASSET"),
    # An API deployment is named for what it deploys.
    (re.compile(r"(Deployment[0-9A-F]{8})[0-9a-f]{32}"), r"\1"),
)
_LEFT_OUT = ("Metadata", "Parameters", "Rules")
"""Construct paths, and the check of the bootstrap's version."""
_WIDTH = 120
_MOST_LINES = 150


def normalised(template: Template) -> str:
    """The template as text: sorted, in short lines, without what changes by itself."""
    kept: dict[str, Any] = {name: part for name, part in template.items() if name not in _LEFT_OUT}
    kept["Resources"] = {
        name: {key: value for key, value in resource.items() if key != "Metadata"}
        for name, resource in template["Resources"].items()
    }
    text = _written(_opened(kept)) + "\n"
    for pattern, instead in _VOLATILE:
        text = pattern.sub(instead, text)
    return text


def path(profile: str, stack: str) -> Path:
    return HERE / f"{profile}-{stack}.json"


def templates(stacks: Stacks) -> dict[str, str]:
    """Stack → its normalised template."""
    return {stack: normalised(getattr(stacks, stack)) for stack in STACKS}


def difference(agreed: str, now: str, name: str) -> str:
    """What a person reads of it; empty if there is none."""
    lines = list(unified_diff(agreed.splitlines(), now.splitlines(), f"{name}, as agreed", f"{name}, now", lineterm=""))
    shown = lines[:_MOST_LINES]
    if len(lines) > _MOST_LINES:
        shown.append(f"... and {len(lines) - _MOST_LINES:,} lines more")
    return "\n".join(shown)


def _opened(value: Any) -> Any:
    """The value with every text in it that is a JSON document read as one; references in it are `${…}`."""
    if isinstance(value, list):
        return [_opened(one) for one in value]
    if isinstance(value, dict):
        pieces = value["Fn::Join"][1] if set(value) == {"Fn::Join"} and value["Fn::Join"][0] == "" else None
        text = "".join(piece if isinstance(piece, str) else _reference(piece) for piece in pieces) if pieces else ""
        return _document(text) or {name: _opened(one) for name, one in value.items()}
    return _document(value) or value if isinstance(value, str) else value


def _document(text: str) -> Any:
    try:
        return {"a JSON document": json.loads(text)} if text.startswith("{") else None
    except ValueError:
        return None


def _reference(piece: dict[str, Any]) -> str:
    (target,) = piece.values()
    return f"${{{target if isinstance(target, str) else '.'.join(map(str, target))}}}"


def _written(value: Any, indent: int = 0) -> str:
    """JSON with a line for whatever fits into one."""
    line = json.dumps(value, sort_keys=True, ensure_ascii=False)
    if indent + len(line) <= _WIDTH or not isinstance(value, dict | list) or not value:
        return line
    within = " " * (indent + 1)
    if isinstance(value, list):
        parts = [within + _written(one, indent + 1) for one in value]
        return "[\n" + ",\n".join(parts) + "\n" + " " * indent + "]"
    parts = [f"{within}{json.dumps(name)}: {_written(value[name], indent + 1)}" for name in sorted(value)]
    return "{\n" + ",\n".join(parts) + "\n" + " " * indent + "}"
