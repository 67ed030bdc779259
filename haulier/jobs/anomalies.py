"""What is unusual about a day: each figure of a dataset beside the last seven days that have it.

The rule (issue 5): more than three standard deviations from the mean of the last seven days of that dataset is an
anomaly; under seven days nothing is. It is the sample's standard deviation. Seven equal days have none, and any change
would be infinitely many of them: there a change counts if it is more than a tenth of the mean and, of a ratio, more
than a tenth of a percentage point.

A day without a report is missing, not zero: it is passed over and an older day taken, as far as the look-back goes. A
day with a report on which a dataset had no job is a day of zero jobs, records and bytes, and has no ratios. So a
dataset that is fed on working days only still has seven days of ratios, and one that falls silent is told of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal, get_args

from haulier.contracts.quality import Anomaly, DatasetQuality, FigureName, Figures, Trail

TRAILING_DAYS = 7
LOOKBACK_DAYS = 14
"""How far back those seven may lie: two weeks hold ten working days."""
SIGMAS = 3
LEAST_CHANGE = 0.1
LEAST_RATIO_CHANGE = 0.001
FIGURES: tuple[FigureName, ...] = get_args(FigureName)
_FAR = 100
"""Beyond it the number of standard deviations says nothing more."""
_RATIOS = ("reject_ratio", "failure_ratio")
_Direction = Literal["above", "below"]

_NAMES: dict[FigureName, str] = {
    "jobs": "jobs",
    "read": "records read",
    "input_bytes": "read",
    "reject_ratio": "of the records were rejected",
    "failure_ratio": "of the jobs failed",
}
_ADVICE: dict[tuple[FigureName, _Direction], str] = {
    ("jobs", "below"): "Fewer files came, or fewer were taken: ask who sends them, then look at refusals and at the"
    " intake queue and its dead letters.",
    ("jobs", "above"): "More files came than usual: ask who sends them whether something was sent twice or in smaller"
    " pieces.",
    ("read", "below"): "Files came short or not at all: compare their number and size with what the sender meant to"
    " send.",
    ("read", "above"): "Look for a file that was sent twice, or for a full load where a daily share is usual.",
    ("input_bytes", "below"): "Files are smaller than usual: look for cut-off uploads and empty columns.",
    ("input_bytes", "above"): "Files are larger than usual: look for a full load or for a changed format.",
    ("reject_ratio", "above"): "Look at the reject codes below and at `haulier rejects JOB` of the jobs that rejected"
    " most: a sender may have changed a column.",
    ("reject_ratio", "below"): "Fewer records were refused: good, if the sender mended something; else look whether"
    " the dataset checks less than it did.",
    ("failure_ratio", "above"): "Look at the failures by code below and at `haulier status JOB` of those jobs; mend the"
    " cause, then `haulier retry JOB`.",
    ("failure_ratio", "below"): "Fewer jobs failed than usual: nothing to do.",
}


@dataclass(frozen=True, slots=True)
class Past:
    """A day of the look-back.

    Attributes:
        day: its name.
        figures: dataset → its figures on that day; None if there is no report of it.
    """

    day: str
    figures: Mapping[str, Figures] | None


def with_silent(datasets: Mapping[str, DatasetQuality], past: Sequence[Past]) -> dict[str, DatasetQuality]:
    """The day's datasets and those that had jobs on a day of the look-back and none today, by name."""
    known = {name for day in past for name, figures in (day.figures or {}).items() if figures.jobs}
    return {
        name: datasets.get(name) or DatasetQuality(dataset=name, figures=Figures())
        for name in sorted(known | datasets.keys())
    }


def trails(dataset: str, past: Sequence[Past]) -> tuple[Trail, ...]:
    """Every figure of a dataset on the days before, oldest first."""
    return tuple(trail(figure, [_figure(day, dataset, figure) for day in past]) for figure in FIGURES)


def trail(figure: FigureName, series: Sequence[float | None]) -> Trail:
    """Mean and standard deviation of the last seven values there are."""
    known = [value for value in series if value is not None][-TRAILING_DAYS:]
    # Of equal values exactly that value and 0, whatever their sum is rounded to.
    same = len(set(known)) == 1
    return Trail(
        figure=figure,
        series=tuple(series),
        days=len(known),
        mean=(known[0] if same else fmean(known)) if known else None,
        sigma=(0.0 if same else stdev(known)) if len(known) > 1 else None,
    )


def anomalies(entry: DatasetQuality) -> list[Anomaly]:
    """What is unusual about a dataset's day, in the order of the figures. Where no job ended that is all there is to
    say: that nothing was read follows from it.
    """
    told = entry.trails if entry.figures.jobs else [one for one in entry.trails if one.figure == "jobs"]
    found = (anomaly(entry.dataset, value_of(entry.figures, one.figure), one) for one in told)
    return [one for one in found if one is not None]


def anomaly(dataset: str, value: float | None, before: Trail) -> Anomaly | None:
    """What is unusual about a figure; None if nothing is, or if there is nothing to compare."""
    mean, sigma = before.mean, before.sigma
    if value is None or before.days < TRAILING_DAYS or mean is None or sigma is None:
        return None
    distance = abs(value - mean)
    if distance <= (SIGMAS * sigma if sigma else _least_change(before.figure, mean)):
        return None
    direction: _Direction = "above" if value > mean else "below"
    sigmas = distance / sigma if sigma else None
    return Anomaly(
        dataset=dataset,
        figure=before.figure,
        direction=direction,
        value=value,
        mean=mean,
        sigma=sigma,
        sigmas=sigmas,
        told=f"{_told(before.figure, value, mean)}{_distance(sigmas, direction)}",
        advice=_ADVICE[before.figure, direction],
    )


def ranked(found: Sequence[Anomaly]) -> list[Anomaly]:
    """The most striking first: what was the same for seven days and is not any more, then by standard deviations."""
    return sorted(found, key=lambda one: (one.sigmas is not None, -(one.sigmas or 0.0), one.dataset, one.figure))


def value_of(figures: Figures, figure: FigureName) -> float | None:
    value = getattr(figures, figure)
    return None if value is None else float(value)


def _figure(day: Past, dataset: str, figure: FigureName) -> float | None:
    """A day's report lists every dataset that had jobs lately; one that it does not list was not known then."""
    if day.figures is None or dataset not in day.figures:
        return None
    return value_of(day.figures[dataset], figure)


def _least_change(figure: FigureName, mean: float) -> float:
    return max(LEAST_CHANGE * mean, LEAST_RATIO_CHANGE) if figure in _RATIOS else LEAST_CHANGE * mean


def _told(figure: FigureName, value: float, mean: float) -> str:
    if figure in _RATIOS:
        change = f"{100 * (value - mean):+.2f} percentage points".replace("-", "\N{MINUS SIGN}")
        return f"{percent(value)} {_NAMES[figure]} instead of {percent(mean)} ({change})"
    if figure == "input_bytes":
        return f"{size(value)} read instead of {size(mean)} ({_change(value, mean, 'much', 'less')})"
    return f"{value:,.0f} {_NAMES[figure]} instead of {count(mean)} ({_change(value, mean, 'many', 'fewer')})"


def _change(value: float, mean: float, many: str, fewer: str) -> str:
    if value == 0:
        return "none at all"
    if mean == 0:
        return "there were none"
    if value >= 2 * mean:
        return f"{value / mean:,.1f} times as {many}"
    return f"{100 * abs(value - mean) / mean:.0f} % {'more' if value > mean else fewer}"


def _distance(sigmas: float | None, direction: _Direction) -> str:
    if sigmas is None:
        return f"; each of the {TRAILING_DAYS} days before had the same"
    far = f"{sigmas:,.1f}" if sigmas < _FAR else f"more than {_FAR}"
    return f", {far} standard deviations {direction} the mean of {TRAILING_DAYS} days"


def percent(ratio: float) -> str:
    """`4.20 %`; so many digits that what is not zero does not look so."""
    return f"{100 * ratio:.2f} %" if ratio >= 0.0001 or ratio == 0 else "< 0.01 %"


def count(mean: float) -> str:
    """`48`, `47.6`: a mean of small numbers keeps a digit."""
    return f"{mean:,.1f}" if mean < 100 and not float(mean).is_integer() else f"{mean:,.0f}"


def size(value: float) -> str:
    """Bytes with the largest binary unit of which there is one."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
        value /= 1024
    return f"{value:,.1f} TiB"
