"""Reads a dataset's YAML, naming field and line of what is wrong, and finds the dataset a key belongs to."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from haulier.contracts.dataset import NAME_PATTERN, Dataset
from haulier.contracts.errors import InvalidDataset

MAX_CONFIG_BYTES = 256 * 1024
MAX_STORED_BYTES = 160 * 1024
"""A run item pins the dataset beside the columns the planner found, and holds 400 KB (DynamoDB)."""
_NO_SCALAR = "must be one text or number"


class _Loader(yaml.SafeLoader):
    """Dates stay text: a dataset's `min: 2024-01-01` is compared as ISO 8601, not as Python's date."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_dataset(name: str, text: str) -> Dataset:
    """The dataset a YAML text describes.

    Args:
        name: its name, from the object's key; the text may repeat it but not differ.
        text: YAML.

    Raises:
        InvalidDataset: with every problem, each with its field and line.
    """
    if not re.match(NAME_PATTERN, name):
        raise InvalidDataset(name, ["the name must be lower case letters, digits, `-` and `_`, at most 64"])
    if len(text.encode()) > MAX_CONFIG_BYTES:
        raise InvalidDataset(name, [f"the file is larger than {MAX_CONFIG_BYTES // 1024} KiB"])
    try:
        node = yaml.compose(text, Loader=_Loader)
        raw = _Loader(text).get_single_data()
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidDataset(name, [f"not YAML: {' '.join(str(error).split())}"]) from error
    if raw is None:
        raw = {}
    if not isinstance(raw, Mapping):
        raise InvalidDataset(name, ["line 1: the file must be a mapping of fields"])
    if raw.get("name", name) != name:
        raise InvalidDataset(
            name, [f"line {_line(node, ('name',))}: name: the file says {raw['name']!r}, its key says {name!r}"]
        )
    twice = [f"line {line}: {key}: is given twice in one mapping" for line, key in _repeated(node)]
    if twice:
        raise InvalidDataset(name, twice)
    try:
        dataset = Dataset.model_validate({**raw, "name": name})
    except ValidationError as error:
        raise InvalidDataset(name, _problems(node, raw, error.errors())) from error
    return _storable(name, dataset)


def _repeated(root: yaml.Node | None) -> list[tuple[int, str]]:
    """Line and name of every key that its mapping has already: YAML takes the last one without a word."""
    found, seen, waiting = [], set(), [root]
    while waiting:
        node = waiting.pop()
        # An alias leads to a node that was seen, perhaps to one that holds it.
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            keys: set[tuple[str, str]] = set()
            for key, value in node.value:
                waiting.append(value)
                if isinstance(key, yaml.ScalarNode):
                    if (key.tag, key.value) in keys:
                        found.append((key.start_mark.line + 1, key.value))
                    keys.add((key.tag, key.value))
    return sorted(found)


def _storable(name: str, dataset: Dataset) -> Dataset:
    """The dataset, if a run item can hold it and gives it back as it is."""
    try:
        written = dataset.to_json()
        same = Dataset.model_validate_json(written) == dataset
    except (ValueError, UnicodeError) as error:
        raise InvalidDataset(
            name, ["it holds text that cannot be stored (a lone surrogate such as \\uD800)"]
        ) from error
    if not same:
        raise InvalidDataset(name, ["it holds a value that cannot be stored; infinity and NaN are none"])
    if len(written.encode()) > MAX_STORED_BYTES:
        raise InvalidDataset(name, [f"it is larger than {MAX_STORED_BYTES // 1024} KiB once it is read: fewer columns"])
    return dataset


def _problems(node: yaml.Node | None, raw: Mapping[Any, Any], errors: Iterable[Any]) -> list[str]:
    """What pydantic found, one line a mistake, in the order of the file."""
    told: dict[tuple[Any, ...], list[str]] = {}
    for entry in errors:
        place, message = _told(raw, entry)
        if place is not None:
            told.setdefault(place, []).append(message)
    lines = []
    for place, messages in told.items():
        # A value that no kind of its field takes has a reason of its own only if it is the right kind.
        reasons = [message for message in messages if message != _NO_SCALAR] or [_NO_SCALAR]
        lines += [(_line(node, place), f"{_field(place)}: {reason}") for reason in dict.fromkeys(reasons)]
    return [f"line {line}: {text}" for line, text in sorted(lines, key=lambda entry: entry[0])]


def placed(text: str, place: Sequence[Any], reason: str) -> str:
    """A problem that was found after reading, told as `read_dataset` tells its own; the text is one it has read."""
    return f"line {_line(yaml.compose(text, Loader=_Loader), place)}: {_field(place)}: {reason}"


def _field(place: Iterable[Any]) -> str:
    return ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in place) or "the file"


def _told(raw: Mapping[Any, Any], entry: Any) -> tuple[tuple[Any, ...] | None, str]:
    """Where the file is wrong and why; nowhere, if pydantic only tried another verb or kind than the file's.

    Its paths name the members of unions (`transforms.0.Cast.cast.a`, `schema.columns.0.min.int`); the file knows only
    fields and numbers.
    """
    message = str(entry["msg"]).removeprefix("Value error, ")
    match entry["loc"]:
        case ("transforms", int(at), str(member), *rest):
            return _in_transform(raw["transforms"][at], at, member, rest, entry["type"], message)
        case ("schema", "columns", int(at), "min" | "max" as bound, _):
            return ("schema", "columns", at, bound), message if entry["type"] == "finite_number" else _NO_SCALAR
        case place:
            return tuple(place), message


def _in_transform(
    written: Any, at: int, member: str, rest: Sequence[Any], kind: str, message: str
) -> tuple[tuple[Any, ...] | None, str]:
    if not isinstance(written, Mapping):
        return ("transforms", at), "must be a verb and what it is for, `trim: [a]` for instance"
    if next(iter(written), None) != member.lower():
        return None, ""
    if member == "Default" and len(rest) > 2:
        return ("transforms", at, *rest[:2]), message if kind == "finite_number" else _NO_SCALAR
    return ("transforms", at, *rest), message


def _line(node: yaml.Node | None, place: Iterable[Any]) -> int:
    """The line (from 1) of the deepest node on the way to a field."""
    line = node.start_mark.line + 1 if node is not None else 1
    for part in place:
        following: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == part:
                    line, following = key.start_mark.line + 1, value
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            following = node.value[part]
            line = following.start_mark.line + 1
        if following is None:
            return line
        node = following
    return line


def match_dataset(datasets: Iterable[Dataset], key: str) -> Dataset | None:
    """The dataset a key belongs to: the longest literal prefix that matches, then the longest suffix."""
    best: tuple[tuple[int, int], Dataset] | None = None
    for dataset in datasets:
        for rule in dataset.match:
            rank = len(rule.prefix), len(rule.suffix)
            if rule.matches(key) and (best is None or rank > best[0]):
                best = rank, dataset
    return best[1] if best else None


def conflicts(dataset: Dataset, others: Iterable[Dataset]) -> list[str]:
    """Why the dataset must not be put beside the others: a match that is equal to one of theirs decides nothing."""
    mine = {(rule.prefix, rule.suffix) for rule in dataset.match}
    return [
        f"match prefix {rule.prefix!r} suffix {rule.suffix!r} is dataset {other.name}'s already"
        for other in others
        if other.name != dataset.name
        for rule in other.match
        if (rule.prefix, rule.suffix) in mine
    ]
