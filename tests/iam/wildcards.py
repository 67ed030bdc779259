"""Why a wildcard is one, for each there is. `*` alone stands by its action; a pattern by what it looks like."""

import re

_OUTPUT = r"arn:aws:s3:::haulier-test-output-[^/]*"
NO_RESOURCES = {
    "xray:PutTraceSegments": "X-Ray knows no resources for it",
    "xray:PutTelemetryRecords": "X-Ray knows no resources for it",
    "xray:GetSamplingRules": "X-Ray knows no resources for it",
    "xray:GetSamplingTargets": "X-Ray knows no resources for it",
    "dynamodb:ListStreams": "streams are listed for the account, not for a table",
    "logs:CreateLogDelivery": "log delivery has no ARN: AWS's own policy for state machines gives `*`",
    "logs:GetLogDelivery": "log delivery has no ARN: AWS's own policy for state machines gives `*`",
    "logs:UpdateLogDelivery": "log delivery has no ARN: AWS's own policy for state machines gives `*`",
    "logs:DeleteLogDelivery": "log delivery has no ARN: AWS's own policy for state machines gives `*`",
    "logs:ListLogDeliveries": "log delivery has no ARN: AWS's own policy for state machines gives `*`",
    "logs:PutResourcePolicy": "resource policies of the logs belong to the account: AWS's own policy gives `*`",
    "logs:DescribeResourcePolicies": "resource policies of the logs belong to the account: AWS's own policy gives `*`",
    "logs:DescribeLogGroups": "log groups are listed for the account: AWS's own policy gives `*`",
    "logs:CreateLogGroup": "API Gateway's role writes for every REST API of the region: AWS's own policy gives `*`",
    "logs:CreateLogStream": "API Gateway's role writes for every REST API of the region: AWS's own policy gives `*`",
    "logs:DescribeLogStreams": "API Gateway's role writes for every REST API of the region: AWS's own policy gives `*`",
    "logs:PutLogEvents": "API Gateway's role writes for every REST API of the region: AWS's own policy gives `*`",
    "logs:GetLogEvents": "API Gateway's role writes for every REST API of the region: AWS's own policy gives `*`",
    "logs:FilterLogEvents": "API Gateway's role writes for every REST API of the region: AWS's own policy gives `*`",
    "ec2:DescribeNetworkInterfaces": "EC2 describes all resources or none",
    "ec2:DescribeSubnets": "EC2 describes all resources or none",
}
"""Action → why it is allowed on `*`: the Service Authorization Reference lists no resource type for it."""

PATTERNS = {
    r"arn:aws:s3:::haulier-test-input-[^/]*/\*": "datasets and submitted jobs may name any key of the input bucket",
    rf"{_OUTPUT}/processed/\*": "results lie under a key made of dataset, job and attempt",
    rf"{_OUTPUT}/processed/_batches/\*": "the list and the sections of a batch lie under a key made of its job",
    rf"{_OUTPUT}/rejected/\*": "rejects lie under a key made of dataset, job and attempt",
    rf"{_OUTPUT}/failed/\*": "the record of a failed job lies under a key made of its id",
    rf"{_OUTPUT}/failed/_batches/\*": "the record of a failed batch lies under a key made of its id",
    rf"{_OUTPUT}/temp/\*": "plans and pieces lie under a key made of job and run",
    rf"{_OUTPUT}/archive/\*": "records are archived under a key made of their day",
    rf"{_OUTPUT}/reports/quality/\*": "a report lies under a key made of its day",
    r"arn:aws:logs:[^*]*:log-group:/[^*]*:\*": "a log group's streams: the service makes up their names",
    r"arn:aws:states:[^*]*:execution:haulier-test-[a-z]+:\*": "executions of one machine, named by job and run",
    r"arn:aws:states:[^*]*:execution:haulier-test-[a-z]+/\*": "children of a Distributed Map, named by Step Functions",
    r"arn:aws:states:[^*]*:stateMachine:haulier-test-[a-z]+/\*": "the map's children, whose tokens workers answer",
    r"arn:aws:ec2:[^*]*:\*/\*": "network interfaces have no name before they are made",
    r"arn:aws:ec2:[^*]*:\*:(subnet|security-group)/[a-z0-9-]+": "those of a shared VPC are another account's",
    r"arn:aws:ecs:[^*]*:task/haulier-test/\*": "a task cannot know its own ARN in a policy: tasks of the one cluster",
}
"""Pattern of a resource (a regular expression for the environment `test`) → why it is one."""

SOURCES = {
    r"arn:aws:lambda:[^*]*:\*": "which of Lambda's resources is sent is documented nowhere: any of the account",
    r"arn:aws:ecs:[^*]*:\*": "ECS sends the account and region of the cluster, after its guide's own example",
    r"arn:aws:states:[^*]*:stateMachine:haulier-test-[a-z]+\*": "a machine, and its map's children `{machine}/{label}`",
    r"arn:aws:cloudwatch:[^*]*:alarm:haulier-test-\*": "every alarm of this environment, and of no other",
    r"arn:aws:execute-api:[^*]*/[A-Z]+/jobs/\*(/[a-z]+)?": "one method of the API: the wildcard is the job's id",
    r"arn:aws:s3:::haulier-test-logs-[^/]*/[a-z]+/\*": "S3 makes up the names of access logs under a bucket's prefix",
}
"""Likewise for policies of resources and of trust: what services act for, and what they write."""


def reason(action: str, resource: str) -> str | None:
    """Why this action is allowed on a resource with a wildcard; None if nobody said."""
    if resource == "*":
        return NO_RESOURCES.get(action)
    for pattern, why in PATTERNS.items():
        if re.fullmatch(pattern, resource):
            return why
    return None
