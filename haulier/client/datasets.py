"""Datasets as the input bucket holds them: list, check, put."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from haulier.client.connection import Connection
from haulier.client.errors import NotFound
from haulier.client.expressions import expression_problems
from haulier.contracts.dataset import DEFAULT_DATASET, Dataset
from haulier.contracts.errors import InvalidDataset
from haulier.contracts.keys import DATASETS_PREFIX, INCOMING_PREFIX, dataset_key
from haulier.jobs.calls import Call
from haulier.jobs.calls import NotFound as Missing
from haulier.jobs.datasets import conflicts, placed, read_dataset
from haulier.jobs.sweep import list_keys

SUFFIX = ".yaml"


@dataclass(frozen=True, slots=True)
class StoredDataset:
    """One configuration in the bucket: what it says, or what is wrong with it."""

    name: str
    key: str
    dataset: Dataset | None
    problems: tuple[str, ...] = ()


def listing(connection: Connection) -> list[StoredDataset]:
    """Every configuration in the bucket, by name, the broken ones with their problems."""
    found = []
    for key in sorted(connection.run(list_keys(connection.input_bucket, DATASETS_PREFIX))):
        if not key.endswith(SUFFIX):
            continue
        name = key.removeprefix(DATASETS_PREFIX).removesuffix(SUFFIX)
        try:
            found.append(StoredDataset(name, key, dataset_now(connection, name)))
        except InvalidDataset as error:
            found.append(StoredDataset(name, key, None, tuple(error.problems)))
        except NotFound:
            continue
    return found


def stored(connection: Connection) -> dict[str, Dataset]:
    """The configurations that can be used, by name."""
    return {entry.name: entry.dataset for entry in listing(connection) if entry.dataset is not None}


def dataset_now(connection: Connection, name: str) -> Dataset:
    """The dataset's configuration as it is now.

    Raises:
        NotFound: there is none of that name.
        InvalidDataset: what is there cannot be used.
    """
    call = Call("s3", "get_object", {"Bucket": connection.input_bucket, "Key": dataset_key(name)})
    try:
        body: bytes = connection.perform(call)["Body"]
    except Missing:
        raise NotFound(f"there is no dataset {name}", "`haulier datasets list` shows those there are") from None
    return read_dataset(name, decoded(name, body))


def read_file(path: Path) -> tuple[str, bytes]:
    """A configuration file's dataset name (the file's own, without `.yaml`) and its bytes.

    Raises:
        NotFound: there is no such file.
        InvalidDataset: the file is not named `.yaml`.
    """
    if not path.is_file():
        raise NotFound(f"{path} is not a file")
    if path.suffix not in (SUFFIX, ".yml"):
        raise InvalidDataset(path.name, ["a configuration is a file NAME.yaml; NAME is the dataset's"])
    return path.stem, path.read_bytes()


def decoded(name: str, body: bytes) -> str:
    """The text of a configuration.

    Raises:
        InvalidDataset: it is not UTF-8.
    """
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidDataset(name, [f"the file is not UTF-8 (byte {error.start})"]) from None


def check(connection: Connection | None, path: Path) -> Dataset:
    """Checks one configuration file; see check_all."""
    return check_all(connection, [path])[0]


def check_all(connection: Connection | None, paths: Sequence[Path]) -> list[Dataset]:
    """Reads configuration files and compares their matches with each other and with those in the bucket.

    Args:
        connection: the stack; None compares the files alone.
        paths: each `NAME.yaml`.

    Raises:
        NotFound: there is no such file.
        InvalidDataset: with every problem, each with its field and line.
    """
    read: dict[str, Dataset] = {}
    for path in paths:
        name, body = read_file(path)
        if name in read:
            raise InvalidDataset(name, ["two of the files have this name"])
        text = decoded(name, body)
        read[name] = read_dataset(name, text)
        unreadable = expression_problems(read[name])
        if unreadable:
            raise InvalidDataset(name, [placed(text, place, reason) for place, reason in unreadable])
    others = (stored(connection) if connection else {}) | read
    for name, dataset in read.items():
        found = conflicts(dataset, others.values())
        if found:
            raise InvalidDataset(name, found)
    return list(read.values())


def doubts(dataset: Dataset) -> list[str]:
    """What is allowed and yet seldom meant: nothing comes to the dataset by itself."""
    if not dataset.match:
        # What no other dataset claims belongs to the one of this name.
        if dataset.name == DEFAULT_DATASET.name:
            return []
        how = f"`haulier submit … --dataset {dataset.name}`"
        return [f"dataset {dataset.name} has no `match`: no upload belongs to it; only {how} uses it"]
    return [
        f"dataset {dataset.name}: prefix {rule.prefix!r} lies outside `{INCOMING_PREFIX}`: uploads there start no job, "
        "unless the stack was deployed with other input prefixes"
        for rule in dataset.match
        if not rule.prefix.startswith(INCOMING_PREFIX) and not INCOMING_PREFIX.startswith(rule.prefix)
    ]


def put(connection: Connection, path: Path) -> Dataset:
    """Checks a configuration file and stores it; runs accepted from now on use it, earlier ones keep theirs."""
    return put_all(connection, [path])[0]


def put_all(connection: Connection, paths: Sequence[Path]) -> list[Dataset]:
    """Stores configuration files if all of them can be used; raises as check_all does."""
    datasets = check_all(connection, paths)
    for dataset, path in zip(datasets, paths, strict=True):
        connection.client("s3").put_object(
            Bucket=connection.input_bucket,
            Key=dataset_key(dataset.name),
            Body=path.read_bytes(),
            ContentType="application/yaml",
        )
    return datasets
