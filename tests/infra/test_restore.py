"""Copying a restored table back, against a fake: what is there stays, unless it is to be replaced."""

import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from scripts.restore_table import SEGMENTS, Copied, copy, main
from tests.infra.conftest import Stacks, Template

PAGE = Path(__file__).resolve().parents[2] / "docs" / "restore.md"


class Tables:
    """DynamoDB with tables of `job_id` alone."""

    def __init__(self, **tables: dict[str, str]) -> None:
        self.tables = tables

    def get_paginator(self, operation: str) -> Any:
        assert operation == "scan"
        return self

    def paginate(self, TableName: str, Segment: int, TotalSegments: int, ConsistentRead: bool) -> Any:  # noqa: N803
        assert (TotalSegments, ConsistentRead) == (SEGMENTS, True)
        mine = sorted(self.tables[TableName].items())[Segment::TotalSegments]
        return [{"Items": [{"job_id": {"S": key}, "value": {"S": value}}]} for key, value in mine]

    def put_item(self, TableName: str, Item: dict[str, Any], ConditionExpression: str = "") -> None:  # noqa: N803
        key = Item["job_id"]["S"]
        if ConditionExpression and key in self.tables[TableName]:
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem")
        self.tables[TableName][key] = Item["value"]["S"]


OLD = {f"j{number}": "old" for number in range(20)}


def test_what_is_missing_comes_back_and_what_is_there_stays():
    tables = Tables(restored=dict(OLD), live={"j3": "new", "k": "newer"})
    assert copy(tables, "restored", "live", overwrite=False) == Copied(written=19, kept=1)
    assert tables.tables["live"] == OLD | {"j3": "new", "k": "newer"}
    assert copy(tables, "restored", "live", overwrite=False) == Copied(written=0, kept=20)


def test_what_is_damaged_is_replaced_where_that_is_asked_for_and_newer_jobs_stay():
    tables = Tables(restored=dict(OLD), live={"j3": "damaged", "k": "newer"})
    assert copy(tables, "restored", "live", overwrite=True) == Copied(written=20, kept=0)
    assert tables.tables["live"] == OLD | {"k": "newer"}


def test_the_page_names_every_log_group_whose_name_a_deployment_would_meet_again(prod: Stacks):
    block = re.search(r"for group in (.*?); do", PAGE.read_text(), re.DOTALL)
    assert block is not None
    told = set()
    for word in block[1].replace("\\", " ").split():
        before, _, choices = word.partition("{")
        told |= {f"/aws/{before}{choice}" for choice in choices.rstrip("}").split(",")}
    named = {r["Properties"]["LogGroupName"] for r in prod.of_type("AWS::Logs::LogGroup").values() if fixed(r)}
    assert {name.replace("$ENV", "test") for name in told} == named


def fixed(group: Template) -> bool:
    """Whether its name is the same when it is made again."""
    return isinstance(group["Properties"]["LogGroupName"], str)


def test_a_table_is_not_copied_onto_itself():
    with pytest.raises(SystemExit):
        main(["t", "t"])
