"""What an alarm is, and the resource that is made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

Silence = Literal["notBreaching", "breaching"]
"""What no data means: mostly that nothing happens. `missing` would leave an alarm as it was, for ever."""
_COMPARISONS = {
    ">": "GreaterThanThreshold",
    ">=": "GreaterThanOrEqualToThreshold",
    "<": "LessThanThreshold",
}


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one metric over time.

    Attributes:
        statistic: `Sum`, `Maximum`, `Minimum`, `Average`, `p99`.
        seconds: of one value.
    """

    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str
    seconds: int = 300


@dataclass(frozen=True, slots=True)
class Computed:
    """Values computed of several metrics: CloudWatch's metric math.

    Attributes:
        expression: over the names in `of`.
        label: what the values are.
    """

    expression: str
    of: Mapping[str, Series]
    label: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """When somebody is told.

    Attributes:
        name: what it is called, the environment apart.
        section: of docs/operations.md: what it means at length, and what to do.
        means: a sentence for whoever is woken.
        watches: what it looks at.
        when: how a value must lie to the threshold.
        values: of so many values...
        bad: ...so many must do so; all if 0.
        silence: what no data means.
    """

    name: str
    section: str
    means: str
    watches: Series | Computed
    when: Literal[">", ">=", "<"]
    threshold: float
    values: int = 1
    bad: int = 0
    silence: Silence = "notBreaching"


def make_alarm(
    scope: Construct, alarm: Alarm, *, prefix: str, operations_url: str, tell: Sequence[str]
) -> cloudwatch.CfnAlarm:
    """The alarm's resource.

    Args:
        scope: where it is put, under an id made of its name.
        alarm: what it is.
        prefix: of its physical name.
        operations_url: where docs/operations.md lies.
        tell: ARNs of topics.
    """
    plain = alarm.watches if isinstance(alarm.watches, Series) else None
    statistic = plain.statistic if plain else None
    percentile = statistic is not None and statistic.startswith("p")
    return cloudwatch.CfnAlarm(
        scope,
        "".join(part.capitalize() for part in alarm.name.split("-")),
        alarm_name=f"{prefix}-{alarm.name}",
        alarm_description=f"{alarm.means} What to do: {operations_url}#{alarm.section}",
        namespace=plain.namespace if plain else None,
        metric_name=plain.metric if plain else None,
        dimensions=_dimensions(plain) if plain else None,
        statistic=None if percentile else statistic,
        extended_statistic=statistic if percentile else None,
        period=plain.seconds if plain else None,
        metrics=_queries(alarm.watches) if isinstance(alarm.watches, Computed) else None,
        comparison_operator=_COMPARISONS[alarm.when],
        threshold=alarm.threshold,
        evaluation_periods=alarm.values,
        datapoints_to_alarm=alarm.bad or alarm.values,
        treat_missing_data=alarm.silence,
        alarm_actions=list(tell),
    )


def _dimensions(series: Series) -> list[cloudwatch.CfnAlarm.DimensionProperty]:
    return [cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value) for name, value in series.dimensions.items()]


def _queries(computed: Computed) -> list[cloudwatch.CfnAlarm.MetricDataQueryProperty]:
    queries = [
        cloudwatch.CfnAlarm.MetricDataQueryProperty(
            id="value", expression=computed.expression, label=computed.label, return_data=True
        )
    ]
    for name, series in computed.of.items():
        metric = cloudwatch.CfnAlarm.MetricProperty(
            namespace=series.namespace, metric_name=series.metric, dimensions=_dimensions(series)
        )
        stat = cloudwatch.CfnAlarm.MetricStatProperty(metric=metric, period=series.seconds, stat=series.statistic)
        queries.append(cloudwatch.CfnAlarm.MetricDataQueryProperty(id=name, metric_stat=stat, return_data=False))
    return queries
