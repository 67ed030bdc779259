"""One file under `config/datasets/`, as a dataset or as a broken one. Imports yaml: only loaded where there is a file.

A key that belongs to a dataset whose file cannot be used must not silently be read by the default one: values that the
dataset would have checked would pass. So a broken file still claims keys:

- it is YAML and has rules under `match` that can be read: those rules;
- it is not (a tab, a missing colon, a wrong type): every `prefix:` its text still shows, with any suffix;
- it shows none: nothing but jobs that ask for it by name.

The most specific claim wins, as among datasets that work, so a broken file takes no key from one that names it better.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import ValidationError

from dispatcher.datasets import Broken, Owner
from haulier.contracts.dataset import Dataset, Match
from haulier.contracts.errors import InvalidDataset
from haulier.jobs.datasets import MAX_CONFIG_BYTES, match_dataset, read_dataset

_PREFIX = re.compile(r"""\bprefix\b["']?\s*[:=]?\s*["']?([^\s"',#{}\[\]]+)""")


def too_large(name: str, size: int) -> Broken | None:
    """What a file that is too large to be fetched is; None if it is not."""
    if size <= MAX_CONFIG_BYTES:
        return None
    return Broken(name, InvalidDataset(name, [f"the file is larger than {MAX_CONFIG_BYTES // 1024} KiB"]))


def parse(name: str, content: bytes) -> Owner:
    """The dataset a file describes, or what is wrong with it and which keys it claims nevertheless."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        problem = InvalidDataset(name, [f"the file is not UTF-8 (byte {error.start})"])
        return Broken(name, problem, _shown(content.decode(errors="replace")))
    try:
        return read_dataset(name, text)
    except InvalidDataset as problem:
        return Broken(name, problem, claims(text))


def claims(text: str) -> tuple[Match, ...]:
    """The rules a broken file still names; see above."""
    try:
        raw = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        return _shown(text)
    rules = tuple(_rules(raw.get("match"))) if isinstance(raw, dict) else ()
    return rules or _shown(text)


def most_specific(owners: Iterator[Owner], key: str) -> Owner | None:
    """Whose key it is, among datasets and broken ones."""
    by_name = {owner.name: owner for owner in owners}
    # Stand-ins hold a name that need not be a legal one, and are never used for anything but the match.
    candidates = [
        owner if isinstance(owner, Dataset) else Dataset.model_construct(name=owner.name, match=owner.match)
        for owner in by_name.values()
    ]
    found = match_dataset(candidates, key)
    return by_name[found.name] if found else None


def _rules(raw: Any) -> Iterator[Match]:
    for entry in raw if isinstance(raw, list) else [raw]:
        if isinstance(entry, dict):
            known = {field: value for field, value in entry.items() if field in ("prefix", "suffix")}
            try:
                yield Match.model_validate(known)
            except ValidationError:
                continue


def _shown(text: str) -> tuple[Match, ...]:
    return tuple(Match(prefix=prefix) for prefix in dict.fromkeys(_PREFIX.findall(text)))
