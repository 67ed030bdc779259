"""Rights that no recorded call used, each with a sentence. What AWS's services use by themselves is in `needs`.

A right in NEVER must not be used, one in SOMETIMES may be; either way it must be allowed: a row that lost its right
fails, too. Both keep the table true.
"""

_AGENT = "ECS's agent asks under the task's role; embedded workers are no tasks"
_OPEN = "an attempt died with an upload open, and another one, or nobody, came after it"
_STRAYS = "a job had more than one attempt: what the others left is looked for"

NEVER: dict[tuple[str, str], str] = {
    ("worker", "ecs:GetTaskProtection"): _AGENT,
    ("worker", "ecs:UpdateTaskProtection"): _AGENT,
    ("plan", "s3:ListBucket"): "no call of its own: without it S3 tells an object that is gone as 403, as if forbidden",
    ("Deploy", "sts:AssumeRole"): "a repository's workflow takes the roles of `cdk bootstrap`; neither is here",
}
"""(role, action) → why no test can use it."""

SOMETIMES: dict[tuple[str, str], str] = {
    ("worker", "sqs:ChangeMessageVisibility"): "a chunk takes longer than the beat's interval, or is given back",
    ("worker", "s3:ListBucket"): _STRAYS,
    ("worker", "s3:ListBucketMultipartUploads"): _STRAYS,
    ("worker", "s3:DeleteObject"): _STRAYS,
    ("worker", "s3:AbortMultipartUpload"): _OPEN,
    ("assemble", "s3:AbortMultipartUpload"): _OPEN,
    ("janitor", "s3:AbortMultipartUpload"): _OPEN,
    ("worker", "states:SendTaskHeartbeat"): "a chunk of a map takes longer than the beat's interval",
    ("janitor", "states:DescribeExecution"): "a run stands still for so long that the janitor asks about its execution",
    ("janitor", "states:StartExecution"): "intake died before it started the execution, or the execution was lost",
    ("plan", "dynamodb:Query"): "a run is planned again, after its execution was lost: its chunks are read",
}
"""(role, action) → what has to happen by chance for it to be used."""
