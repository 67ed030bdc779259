"""`haulier quality`: the report of a day."""

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from haulier.cli import formats, render
from haulier.cli.invocation import Invocation
from haulier.cli.parameters import AsJson
from haulier.client.reports import quality_report
from haulier.contracts.keys import quality_key
from haulier.contracts.quality import Figures, QualityReport

_NUMBERS = ("jobs", "failed", "records", "rejected", "read", "median", "95 %")
_NARROW = ("read", "median", "95 %")


def quality(
    context: typer.Context,
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="The newest report's if not given."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a day's quality report: what is unlike the days before, and figures by dataset."""
    invocation = Invocation.of(context, as_json=as_json)
    connection = invocation.connection
    report = quality_report(connection, day.date().isoformat() if day else None)
    invocation.output.show([report.model_dump(mode="json")], lambda: report_table(report, invocation.output.width))
    invocation.output.tell(f"page: s3://{connection.output_bucket}/{quality_key(report.day, '.html')}")


def report_table(report: QualityReport, width: int) -> RenderableType:
    """What is unusual, then a dataset a line; a narrow terminal is not told bytes and times."""
    unusual = {(one.dataset, one.figure) for one in report.anomalies}
    named = [name for name in _NUMBERS if width >= render.WIDE_COLUMNS or name not in _NARROW]
    made = render.table("dataset", *named, numbers=named)
    for entry in report.datasets:
        cells = _cells(entry.figures, {figure for dataset, figure in unusual if dataset == entry.dataset})
        made.add_row(Text(entry.dataset), *(cells[name] for name in named))
    totals = _cells(report.totals, set())
    made.add_row(Text("all", style="bold"), *(Text(str(totals[name]), style="bold") for name in named))
    told: list[RenderableType] = [Text(f"{report.day} ({report.timezone})", style="bold")]
    for one in report.anomalies:
        told.append(Text.assemble(("unusual  ", "bold red"), (one.dataset, "bold"), f": {one.told}"))
        told.append(Text(f"         {one.advice}", style="dim"))
    if not report.anomalies:
        told.append(Text("nothing is unlike the days before", style="green"))
    return Group(*told, "", made)


def _cells(figures: Figures, unusual: set[str]) -> dict[str, Text]:
    took = figures.timing

    def cell(text: str, figure: str = "") -> Text:
        return Text(text, style="bold red" if figure in unusual else "")

    return {
        "jobs": cell(formats.count(figures.jobs), "jobs"),
        "failed": cell(_percent(figures.failure_ratio), "failure_ratio"),
        "records": cell(formats.count(figures.read), "read"),
        "rejected": cell(_percent(figures.reject_ratio), "reject_ratio"),
        "read": cell(formats.size(figures.input_bytes), "input_bytes"),
        "median": cell(formats.duration(took.p50_ms / 1000 if took else None)),
        "95 %": cell(formats.duration(took.p95_ms / 1000 if took else None)),
    }


def _percent(ratio: float | None) -> str:
    if ratio is None:
        return formats.NONE
    return f"{100 * ratio:.2f} %" if ratio >= 0.0001 or ratio == 0 else "< 0.01 %"
