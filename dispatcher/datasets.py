"""Every dataset of the stack, cached by ETag: one listing a batch of events, a GET only for what has changed.

The listing is made for each batch, without a time for which it stays good: who puts a dataset and then a file may rely
on the file's being read by it. yaml and all that stands on it are imported only where there is a dataset.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from haulier.contracts.dataset import DEFAULT_DATASET, Dataset, Match
from haulier.contracts.errors import InvalidDataset
from haulier.contracts.keys import DATASETS_PREFIX
from haulier.jobs.calls import Call, NotFound, Steps

_SUFFIX = ".yaml"


@dataclass(frozen=True, slots=True)
class Broken:
    """A dataset whose file cannot be used.

    Attributes:
        name: from the file's key; need not be a legal name.
        problem: what is wrong with it.
        match: which keys it claims nevertheless, see `dispatcher.configs`.
    """

    name: str
    problem: InvalidDataset
    match: tuple[Match, ...] = ()


Owner = Dataset | Broken


@dataclass(frozen=True, slots=True)
class Shelf:
    """The datasets there are at one moment, by name."""

    by_name: Mapping[str, Owner] = field(default_factory=dict)

    def named(self, name: str) -> Owner | None:
        """A dataset by its name; `default` is always there."""
        return self.by_name.get(name) or (DEFAULT_DATASET if name == DEFAULT_DATASET.name else None)

    def owner_of(self, key: str) -> Owner:
        """Whose key it is: the most specific match, else the dataset `default`."""
        if self.by_name:
            from dispatcher import configs  # noqa: PLC0415 - yaml is not loaded where there are no datasets

            found = configs.most_specific(iter(self.by_name.values()), key)
            if found is not None:
                return found
        return self.named(DEFAULT_DATASET.name) or DEFAULT_DATASET


class DatasetReader:
    """Reads datasets and remembers them, for one process.

    Args:
        bucket: the input bucket.
    """

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._read: dict[str, tuple[str, Owner]] = {}

    def load(self) -> Steps[Shelf]:
        """What lies under `config/datasets/` now. What is broken is on the shelf, too, as such."""
        listed = yield from self._list()
        for key in self._read.keys() - listed.keys():
            del self._read[key]
        for key, entry in listed.items():
            if key not in self._read or self._read[key][0] != entry["ETag"]:
                owner = yield from self._fetch(key, entry)
                if owner is not None:
                    self._read[key] = entry["ETag"], owner
        return Shelf({owner.name: owner for _, owner in self._read.values()})

    def _list(self) -> Steps[dict[str, Any]]:
        params: dict[str, Any] = {"Bucket": self._bucket, "Prefix": DATASETS_PREFIX}
        found: dict[str, Any] = {}
        while True:
            answer = yield Call("s3", "list_objects_v2", dict(params))
            found |= {entry["Key"]: entry for entry in answer.get("Contents", []) if entry["Key"].endswith(_SUFFIX)}
            if not answer.get("IsTruncated"):
                return found
            params["ContinuationToken"] = answer["NextContinuationToken"]

    def _fetch(self, key: str, entry: Mapping[str, Any]) -> Steps[Owner | None]:
        from dispatcher import configs  # noqa: PLC0415 - yaml is not loaded where there are no datasets

        name = key.removeprefix(DATASETS_PREFIX).removesuffix(_SUFFIX)
        large = configs.too_large(name, entry["Size"])
        if large is not None:
            return large
        try:
            answer = yield Call("s3", "get_object", {"Bucket": self._bucket, "Key": key})
        except NotFound:
            return None  # deleted since it was listed
        return configs.parse(name, answer["Body"])
