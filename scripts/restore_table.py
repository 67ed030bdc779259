"""Copies items from a table that was restored to a point in time into the live one: docs/restore.md says when.

    python -m scripts.restore_table haulier-prod-jobs-restored haulier-prod-jobs [--overwrite]

The live table keeps its name, stream and permissions, so no stack changes. An item that is there stays as it is, unless
--overwrite says that the restored one is the better. Can be run again: what is there by then stays.
"""

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

SEGMENTS = 8
"""Parts of the table that are read and written side by side."""


@dataclass(frozen=True)
class Copied:
    """Counts of items.

    Attributes:
        written: they were missing, or were to be overwritten.
        kept: they were there.
    """

    written: int = 0
    kept: int = 0

    def __add__(self, other: "Copied") -> "Copied":
        return Copied(self.written + other.written, self.kept + other.kept)


def copy(dynamodb: Any, source: str, target: str, *, overwrite: bool) -> Copied:
    """Every item of `source` into `target`.

    Args:
        dynamodb: a client.
        source: the restored table.
        target: the live table.
        overwrite: whether an item that is there is replaced.
    """

    def part(segment: int) -> Copied:
        found = Copied()
        for item in _items(dynamodb, source, segment):
            found += _put(dynamodb, target, item, overwrite=overwrite)
        return found

    with ThreadPoolExecutor(SEGMENTS) as pool:
        return sum(pool.map(part, range(SEGMENTS)), Copied())


def _items(dynamodb: Any, table: str, segment: int) -> Iterator[dict[str, Any]]:
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table, Segment=segment, TotalSegments=SEGMENTS, ConsistentRead=True
    )
    for page in pages:
        yield from page["Items"]


def _put(dynamodb: Any, table: str, item: dict[str, Any], *, overwrite: bool) -> Copied:
    condition = {} if overwrite else {"ConditionExpression": "attribute_not_exists(job_id)"}
    try:
        dynamodb.put_item(TableName=table, Item=item, **condition)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return Copied(kept=1)
        raise
    return Copied(written=1)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.restore_table", description=__doc__)
    parser.add_argument("source", help="the restored table")
    parser.add_argument("target", help="the live table")
    parser.add_argument("--overwrite", action="store_true", help="replace items that are there")
    given = parser.parse_args(arguments)
    if given.source == given.target:
        parser.error("source and target are the same table")
    client = boto3.client("dynamodb", config=Config(retries={"mode": "adaptive", "total_max_attempts": 20}))
    copied = copy(client, given.source, given.target, overwrite=given.overwrite)
    print(f"{copied.written:,} items written, {copied.kept:,} were there and stay as they are")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
