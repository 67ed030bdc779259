import pytest
from botocore.exceptions import ClientError

from haulier.client.logs import lines
from tests.unit.client.fakes import JOB, refused


class Logs:
    def __init__(self, groups):
        self.groups = groups
        self.asked = []

    def get_paginator(self, operation):
        assert operation == "filter_log_events"
        return self

    def paginate(self, **params):
        self.asked.append(params)
        found = self.groups.get(params["logGroupName"])
        if isinstance(found, str):
            raise refused("FilterLogEvents", found)
        if found is None:
            raise refused("FilterLogEvents", "ResourceNotFoundException")
        return [{"events": [{"message": text, "timestamp": 7} for text in found]}]


def test_lines_of_every_group_come_and_missing_groups_are_passed_over(stack):
    stack.logs = Logs({"/aws/lambda/haulier-t-intake": ["one\n", "two"], "/aws/lambda/haulier-t-notify": ["three"]})
    found = list(lines(stack.connection, JOB, since_ms=5))
    assert [(line.source.rsplit("-", 1)[-1], line.text) for line in found] == [
        ("intake", "one"),
        ("intake", "two"),
        ("notify", "three"),
    ]
    assert {params["filterPattern"] for params in stack.logs.asked} == {f'"{JOB}"'}
    assert {params["startTime"] for params in stack.logs.asked} == {5}


def test_a_refusal_is_not_passed_over(stack):
    stack.logs = Logs({"/aws/lambda/haulier-t-intake": "AccessDeniedException"})
    with pytest.raises(ClientError):
        list(lines(stack.connection, JOB, since_ms=5))
