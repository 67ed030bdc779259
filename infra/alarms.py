"""Which alarms there are: decided over names alone. docs/operations.md has a section for each kind."""

from collections.abc import Iterator

from aws_cdk import Stack
from aws_cdk import aws_sns as sns
from constructs import Construct

from haulier.contracts import metrics
from haulier.contracts.dataset import WORK_QUEUES
from haulier.contracts.names import WORKER_SERVICES, Names
from infra.alarm import Alarm, Computed, Series, make_alarm
from infra.inventory import Inventory, inventory
from infra.settings import Settings

MINUTE = 60
_RUNS_BADLY = {
    "ExecutionsFailed": ("failed", "failed"),
    "ExecutionsTimedOut": ("timed-out", "timed out"),
    "ExecutionsAborted": ("aborted", "were stopped"),
    "ExecutionThrottled": ("throttled", "were held back by Step Functions' own limits"),
}
_SCHEDULES_BADLY = {
    "TargetErrorCount": ("refused", "A function that runs by the clock refused to be invoked"),
    "InvocationDroppedCount": ("dropped", "An invocation by the clock was given up"),
    "InvocationsFailedToBeSentToDeadLetterCount": (
        "lost",
        "An invocation by the clock was given up, and not even its dead-letter queue took it",
    ),
}


class Alarms(Construct):
    """The alarms of a stack, as it is when this is made: so it is made last."""

    def __init__(self, scope: Stack, *, names: Names, settings: Settings, alerts: sns.ITopic) -> None:
        super().__init__(scope, "Alarms")
        for alarm in alarms(inventory(scope), names, settings):
            if isinstance(alarm.watches, Series) or settings.alarm_metric_math:
                make_alarm(
                    self,
                    alarm,
                    prefix=names.prefix,
                    operations_url=settings.operations_url,
                    tell=[alerts.topic_arn],
                )


def alarms(found: Inventory, names: Names, settings: Settings) -> list[Alarm]:
    """All of them, in the order of docs/operations.md."""
    return [
        *_dead_letters(found, names),
        *_oldest_message(found, names, settings),
        _failure_rate(names, settings),
        _stalled_jobs(names, settings),
        *_functions(found, names, settings),
        _janitor_silent(names),
        *_stream_behind(found, names, settings),
        *_state_machines(found, names),
        *_rules(found, names),
        *_schedules(found, names),
        *_api(found, names, settings),
        *_workers_missing(names),
    ]


def _short(name: str, names: Names) -> str:
    """A physical name as a part of an alarm's."""
    return name.removesuffix(".fifo").removeprefix(f"{names.prefix}-").replace(".", "-")


def _queue(metric: str, queue: str, statistic: str, seconds: int = 300) -> Series:
    return Series("AWS/SQS", metric, {"QueueName": queue}, statistic, seconds)


def _ours(metric: metrics.Metric, names: Names, statistic: str) -> Series:
    return Series(metrics.NAMESPACE, metric.name, {"Environment": names.environment}, statistic)


def _dead_letters(found: Inventory, names: Names) -> Iterator[Alarm]:
    for queue in found.dlqs:
        yield Alarm(
            name=f"{_short(queue, names)}-letters",
            section="dead-letters",
            means=f"A letter lies in {queue}: something that nobody does again unless somebody looks.",
            watches=_queue("ApproximateNumberOfMessagesVisible", queue, "Maximum", MINUTE),
            when=">",
            threshold=0,
        )


def _oldest_message(found: Inventory, names: Names, settings: Settings) -> Iterator[Alarm]:
    for name in ("intake", *WORK_QUEUES):
        queue = names.queue(name)
        if queue not in found.queues:
            continue
        age = _queue("ApproximateAgeOfOldestMessage", queue, "Maximum")
        waiting = _queue("ApproximateNumberOfMessagesVisible", queue, "Minimum")
        # A message in flight has an age, too, and one chunk may rightly take hours: so work must wait all the time.
        work = Computed("IF(waiting > 0, age, 0)", {"waiting": waiting, "age": age}, "age while others wait")
        yield Alarm(
            name=f"{name}-waits",
            section="oldest-message",
            means=f"The oldest message of {queue} is {settings.age_seconds(name):,} s old, and work is waiting.",
            watches=age if name == "intake" else work,
            when=">=",
            threshold=settings.age_seconds(name),
        )


def _failure_rate(names: Names, settings: Settings) -> Alarm:
    failed = _ours(metrics.JOBS_FAILED, names, "Sum")
    succeeded = _ours(metrics.JOBS_SUCCEEDED, names, "Sum")
    ended = "(failed + succeeded)"
    return Alarm(
        name="failure-rate",
        section="failure-rate",
        means=f"More than {settings.alarm_failure_percent:g} % of the runs that ended in five minutes failed.",
        # The divisor is never 0: one is added where it would be.
        watches=Computed(
            f"IF({ended} >= {settings.alarm_failure_least_runs}, 100 * failed / ({ended} + ({ended} < 1)), 0)",
            {"failed": failed, "succeeded": succeeded},
            "% of runs",
        ),
        when=">",
        threshold=settings.alarm_failure_percent,
    )


def _stalled_jobs(names: Names, settings: Settings) -> Alarm:
    return Alarm(
        name="stalled-jobs",
        section="stalled-jobs",
        means=f"There is an open job of which nothing has moved for {settings.stalled_after_seconds / 3600:g} h.",
        watches=_ours(metrics.JOBS_STALLED, names, "Maximum"),
        when=">=",
        threshold=1,
    )


def _functions(found: Inventory, names: Names, settings: Settings) -> Iterator[Alarm]:
    for function, timeout in found.functions.items():
        of, short = {"FunctionName": function}, _short(function, names)
        yield Alarm(
            name=f"{short}-errors",
            section="function-errors",
            means=f"{settings.alarm_function_errors} or more calls of {function} failed in five minutes.",
            watches=Series("AWS/Lambda", "Errors", of, "Sum"),
            when=">=",
            threshold=settings.alarm_function_errors,
        )
        yield Alarm(
            name=f"{short}-throttles",
            section="function-throttles",
            means=f"Lambda refused calls of {function}: too many at once.",
            watches=Series("AWS/Lambda", "Throttles", of, "Sum"),
            when=">=",
            threshold=1,
            # A refused call is made again; only what lasts is worth a look.
            values=3,
            bad=2,
        )
        limit = timeout * 10 * settings.alarm_function_duration_percent
        yield Alarm(
            name=f"{short}-duration",
            section="function-duration",
            means=f"A call of {function} took {limit / 1000:g} of its {timeout} s: a longer one is cut off.",
            watches=Series("AWS/Lambda", "Duration", of, "Maximum"),
            when=">=",
            threshold=limit,
        )


def _janitor_silent(names: Names) -> Alarm:
    function = names.function("janitor")
    return Alarm(
        name="janitor-silent",
        section="janitor-silent",
        means=f"{function} has not been called for ten minutes: what is lost now stays lost.",
        watches=Series("AWS/Lambda", "Invocations", {"FunctionName": function}, "Sum"),
        when="<",
        threshold=1,
        values=2,
        silence="breaching",
    )


def _stream_behind(found: Inventory, names: Names, settings: Settings) -> Iterator[Alarm]:
    for function in found.stream_readers:
        yield Alarm(
            name=f"{_short(function, names)}-behind",
            section="stream-behind",
            means=f"{function} is {settings.alarm_iterator_age_seconds} s behind the job table's stream.",
            watches=Series("AWS/Lambda", "IteratorAge", {"FunctionName": function}, "Maximum", MINUTE),
            when=">=",
            threshold=settings.alarm_iterator_age_seconds * 1000,
            values=5,
        )


def _state_machines(found: Inventory, names: Names) -> Iterator[Alarm]:
    for machine, arn in found.machines.items():
        for metric, (short, what) in _RUNS_BADLY.items():
            yield Alarm(
                name=f"{_short(machine, names)}-executions-{short}",
                section="state-machine",
                means=f"Executions of {machine} {what}.",
                watches=Series("AWS/States", metric, {"StateMachineArn": arn}, "Sum"),
                when=">=",
                threshold=1,
            )


def _rules(found: Inventory, names: Names) -> Iterator[Alarm]:
    for rule, bus in found.rules.items():
        yield Alarm(
            name=f"{_short(rule, names)}-undelivered",
            section="rule-failed",
            means=f"EventBridge could not deliver what {rule} matched.",
            watches=Series(
                "AWS/Events", "FailedInvocations", {"RuleName": rule} | ({"EventBusName": bus} if bus else {}), "Sum"
            ),
            when=">=",
            threshold=1,
        )


def _schedules(found: Inventory, names: Names) -> Iterator[Alarm]:
    for group in found.schedule_groups:
        own = group == names.schedule_group
        for metric, (short, means) in _SCHEDULES_BADLY.items():
            yield Alarm(
                name=f"{'' if own else f'{group}-'}schedules-{short}",
                section="schedule-failed",
                means=f"{means} (schedule group {group}).",
                watches=Series("AWS/Scheduler", metric, {"ScheduleGroup": group}, "Sum"),
                when=">=",
                threshold=1,
            )


def _api(found: Inventory, names: Names, settings: Settings) -> Iterator[Alarm]:
    for api, stage in found.apis.items():
        of, short = {"ApiName": api, "Stage": stage}, _short(api, names)
        yield Alarm(
            name=f"{short}-5xx",
            section="api-errors",
            means=f"{api} answered {settings.alarm_api_errors} or more requests with 5xx in five minutes.",
            watches=Series("AWS/ApiGateway", "5XXError", of, "Sum"),
            when=">=",
            threshold=settings.alarm_api_errors,
        )
        yield Alarm(
            name=f"{short}-latency",
            section="api-latency",
            means=f"One answer of {api} in a hundred takes longer than {settings.alarm_api_latency_milliseconds:,} ms.",
            watches=Series("AWS/ApiGateway", "Latency", of, "p99"),
            when=">=",
            threshold=settings.alarm_api_latency_milliseconds,
            values=3,
        )


def _workers_missing(names: Names) -> Iterator[Alarm]:
    """Silent without the Workers stack: there are no values then."""
    for name in WORKER_SERVICES:
        of = {"ClusterName": names.cluster, "ServiceName": names.service(name)}
        yield Alarm(
            name=f"{name}-missing",
            section="workers-missing",
            means=f"Fewer tasks of {names.service(name)} run than are wanted, for 15 minutes.",
            watches=Computed(
                # A service of which nothing runs at all may have no value.
                "wanted - FILL(running, 0)",
                {
                    "wanted": Series("ECS/ContainerInsights", "DesiredTaskCount", of, "Minimum"),
                    "running": Series("ECS/ContainerInsights", "RunningTaskCount", of, "Maximum"),
                },
                "tasks that are missing",
            ),
            when=">=",
            threshold=1,
            values=3,
        )
