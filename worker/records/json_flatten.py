"""A JSON record flattened without reading its numbers: `haulier.jobs.flatten` over the record's own text."""

from typing import Any

from haulier.contracts.dataset import Flattening
from haulier.jobs.flatten import flattened, opens
from worker.records.json_text import end_of, key_at, skip


def flat_members(text: str, how: Flattening, *, size: int) -> dict[str, str]:
    """Name → value's own text, of the fields a record has once it is flattened.

    Args:
        text: an object, valid JSON.
        how: as configured.
        size: of the record in bytes.

    Raises:
        Unflattened: see `haulier.jobs.flatten.flattened`.
    """
    found = flattened(_opened(text, how), how, size=size)
    return {name: value if isinstance(value, str) else "{}" for name, value in found.items()}


def _opened(text: str, how: Flattening) -> dict[str, Any]:
    """The object as a dict of its members' own texts; those that are to be taken apart as dicts in their turn. Of a
    repeated key the last one, where the first one stood. In one pass, whatever the depth.
    """
    record: dict[str, Any] = {}
    way = [record]
    at = skip(text, text.index("{") + 1)
    while way:
        if text[at] == "}":
            way.pop()
            at = skip(text, at + 1)
        else:
            key, at = key_at(text, at)
            if text[at] == "{" and opens(how, key, len(way)):
                inner: dict[str, Any] = {}
                way[-1][key] = inner
                way.append(inner)
                at = skip(text, at + 1)
                continue
            end = end_of(text, at)
            way[-1][key] = text[at:end]
            at = skip(text, end)
        if way and text[at] == ",":
            at = skip(text, at + 1)
    return record
