"""What cdk-nag's AwsSolutions finds and we mean: each finding with the reason, as narrow as its path and its text.

cdk-nag itself is a tool of the tests (tests/infra/test_nag.py): nothing that is deployed imports it. A finding that no
entry here names fails the test, and so does an entry that nothing is found for.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What cdk-nag says of one resource.

    Attributes:
        rule: its name, with what exactly was found in brackets where the rule tells several things apart.
        path: of the construct.
    """

    rule: str
    path: str


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Findings that are meant.

    Attributes:
        rule: a pattern for the whole of `Finding.rule`.
        path: a pattern for the whole of `Finding.path`.
        reason: why it is right as it is.
    """

    rule: str
    path: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        return bool(re.fullmatch(self.rule, finding.rule) and re.fullmatch(self.path, finding.path))


_FUNCTION_ROLE = (
    r"Pipeline/(Functions/(Intake|Plan|Assemble|Notify|Janitor)|Batch/Batch|HttpApi/Api|Quality/Quality"
    r"|Scheduled/(Cleanup|Reconcile|Archive))Role/DefaultPolicy/Resource"
)
_MACHINE_ROLE = r"Pipeline/(Machine/|Batch/Coordinator)Role/DefaultPolicy/Resource"
_WORKER_ROLE = r"Pipeline/WorkerRole/DefaultPolicy/Resource"


def _policy(*roles: str) -> str:
    """Of the roles at these places in Pipeline."""
    return rf"Pipeline/({'|'.join(roles)})Role/DefaultPolicy/Resource"


def _objects(bucket: str, prefixes: str) -> str:
    """Everything under a prefix of a bucket of the Data stack."""
    exported = rf"[\w-]+:ExportsOutputFnGetAttStorage{bucket}\w{{8}}Arn\w{{8}}"
    return rf"AwsSolutions-IAM5\[Resource::{exported}/{prefixes}\*\]"


def _arns(resource: str) -> str:
    """Of this account and region."""
    of_account = re.escape("arn:<AWS::Partition>:")
    return rf"AwsSolutions-IAM5\[Resource::{of_account}{resource}\]"


_HERE = re.escape("<AWS::Region>:<AWS::AccountId>")

ACKNOWLEDGEMENTS: tuple[Acknowledgement, ...] = (
    Acknowledgement(
        r"AwsSolutions-IAM5\[Resource::\*\]",
        _FUNCTION_ROLE,
        "X-Ray's PutTraceSegments and PutTelemetryRecords know no resources (Service Authorization Reference), nor does"
        " dynamodb:ListStreams. tests/infra/test_permissions.py lists every action for which `*` is right, and why.",
    ),
    Acknowledgement(
        r"AwsSolutions-IAM5\[Resource::\*\]",
        _MACHINE_ROLE,
        "Log delivery and X-Ray know no resources: AWS's own policies for state machines give `*` for both (Step"
        " Functions Developer Guide, 'Logging using CloudWatch Logs', 'X-Ray and Step Functions').",
    ),
    Acknowledgement(
        r"AwsSolutions-IAM5\[Resource::\*\]",
        r"Pipeline/HttpApi/LogRole/DefaultPolicy/Resource",
        "The role through which API Gateway writes the account's logs: it makes groups of names of its own, and AWS's"
        " policy for it gives `*`.",
    ),
    Acknowledgement(
        _objects("Input", ""),
        _policy("Functions/Intake", "Functions/Plan", "Batch/Batch", "HttpApi/Api", "Worker"),
        "Reading only. `submit` and datasets may name any key of the input bucket, so the role cannot know less.",
    ),
    Acknowledgement(
        _objects("Output", r"(processed|rejected|failed|temp)/"),
        _policy("Functions/Plan", "Functions/Assemble", "Functions/Janitor", "Scheduled/Cleanup", "Worker"),
        "Objects of a job lie under its dataset and id, which nobody knows before it comes: the narrowest resource is"
        " the prefix of its kind.",
    ),
    Acknowledgement(
        _objects("Output", r"temp/"),
        _policy("Machine/"),
        "The map reads its plan, whose key holds the job: the narrowest resource is the prefix of plans. Reading only.",
    ),
    Acknowledgement(
        _objects("Output", r"(processed|failed)/_batches/"),
        _policy("Batch/Batch", "Batch/Coordinator"),
        "A batch's lists and its results lie under its own id, which nobody knows before it comes.",
    ),
    Acknowledgement(
        _objects("Output", r"reports/quality/"),
        _policy("Quality/Quality"),
        "A report a day, named for the day: the prefix is the narrowest that stays right tomorrow.",
    ),
    Acknowledgement(
        _objects("Output", r"archive/"),
        _policy("Scheduled/Archive"),
        "An archive a week, named for the week: the prefix is the narrowest that stays right next week.",
    ),
    Acknowledgement(
        _arns(rf"states:{_HERE}:execution:[\w-]+-(chunks|batch)[:/]\*"),
        _policy("Functions/Janitor", "Machine/", "Batch/Coordinator"),
        "Executions of one named state machine, and of its map's children: each has a name of its own.",
    ),
    Acknowledgement(
        _arns(rf"states:{_HERE}:stateMachine:[\w-]+-chunks/\*"),
        _WORKER_ROLE,
        "Workers answer the tokens of the machine's children, whose ARN is its own with a label behind it.",
    ),
    Acknowledgement(
        _arns(rf"ecs:{_HERE}:task/[\w-]+/\*"),
        _WORKER_ROLE,
        "ECS's agent asks for protection under the task's own role, and no task can name itself: so its cluster's.",
    ),
    Acknowledgement(
        _arns(rf"ec2:{_HERE}:\*/\*"),
        _FUNCTION_ROLE,
        "Only for functions inside a VPC: Lambda makes and removes their network interfaces, which have no names before"
        " (Lambda Developer Guide, 'Giving Lambda functions access to resources in an Amazon VPC').",
    ),
    Acknowledgement(
        _arns(r"ec2:<AWS::Region>:\*:(subnet|security-group)/[\w-]+"),
        _FUNCTION_ROLE,
        "Only for functions inside a VPC: one named subnet or security group, which is another account's where the VPC"
        " is shared.",
    ),
    Acknowledgement(
        r"AwsSolutions-L1",
        r"Pipeline/(Functions/(Intake|Plan|Assemble|Notify|Janitor)|Batch/Batch|HttpApi/Api|Quality/Quality"
        r"|Scheduled/(Cleanup|Reconcile|Archive))/Resource",
        "Python 3.13 is supported for years and what the functions are tested with; HAULIER_LAMBDA_PYTHON chooses.",
    ),
    Acknowledgement(
        r"AwsSolutions-SF1",
        r"Pipeline/(Machine|Batch)/StateMachine",
        "ALL writes every event of up to 10,000 chunks a job. ERROR is the default; HAULIER_MACHINE_LOG_LEVEL chooses.",
    ),
    Acknowledgement(
        r"AwsSolutions-SQS3",
        r"Pipeline/((Assemble|Notify)Dlq|NotPlaced/PlacementDlq|Quality/QualityDlq"
        r"|Scheduled/(Janitor|Cleanup|Reconcile|Archive)Dlq)/Resource",
        "These are dead-letter queues: of rules, schedules and asynchronous calls, which name them elsewhere than in a"
        " redrive policy, where cdk-nag looks.",
    ),
    Acknowledgement(
        r"AwsSolutions-APIG3",
        r"Pipeline/HttpApi/RestApi/DeploymentStage\.v1/Resource",
        "A web ACL guards what the public may call. This API takes signed requests of this account's principals only"
        " (its resource policy denies all others), and is throttled.",
    ),
    Acknowledgement(
        r"AwsSolutions-COG4",
        r"Pipeline/HttpApi/RestApi/Default/jobs(/\{job_id\}(/(cancel|retry))?)?/(GET|POST)/Resource",
        "Callers are programs with IAM credentials: every method wants a signature (AWS_IAM), and there are no users to"
        " put into a pool.",
    ),
    Acknowledgement(
        r"AwsSolutions-S1",
        r"Data/Storage/(Input|Output)/Resource",
        "Access logs are off in the dev profile by default, where data comes and goes; prod has them.",
    ),
)


def acknowledgement(finding: Finding) -> Acknowledgement | None:
    """The first that covers a finding."""
    return next((one for one in ACKNOWLEDGEMENTS if one.covers(finding)), None)


def unused(findings: Iterable[Finding]) -> list[Acknowledgement]:
    """Those nothing is found for."""
    found = list(findings)
    return [one for one in ACKNOWLEDGEMENTS if not any(one.covers(finding) for finding in found)]
