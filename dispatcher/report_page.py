"""The quality report as one page of HTML: nothing is fetched, nothing runs, every name in it is escaped.

Read top to bottom it answers: is anything unusual, and what is to be done about it; how much was done; how each dataset
did beside its last days; and of each dataset with something to tell, which jobs and which reasons.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date
from html import escape

from dispatcher.report_marks import LARGE, SMALL, Frame, bar, sparkline
from dispatcher.report_style import STYLE
from haulier.contracts.quality import Anomaly, DatasetQuality, FigureName, Figures, NotableJob, QualityReport, Trail
from haulier.jobs.anomalies import LOOKBACK_DAYS, SIGMAS, TRAILING_DAYS, percent, size, value_of

DETAILED = 40
"""Datasets with a section of their own; the JSON has all."""
LISTED = 500
"""Datasets in the table: what is unusual, then those with the most jobs. A row is some 2 KB."""
TOLD = 100
"""Datasets whose anomalies are on the page."""
CODES_SHOWN = 8
_NONE = "\N{EN DASH}"
_Odd = Mapping[tuple[str, FigureName], Anomaly]
_FIGURE_WORDS: dict[FigureName, str] = {
    "jobs": "jobs",
    "read": "records read",
    "input_bytes": "bytes read",
    "reject_ratio": "share of records rejected",
    "failure_ratio": "share of jobs failed",
}


def page(report: QualityReport) -> str:
    """The whole page. The same report gives the same text."""
    odd = {(one.dataset, one.figure): one for one in report.anomalies}
    title = f"Quality report {report.day} · {report.environment}"
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style></head><body><main>",
            *_head(report),
            *_tiles(report.totals),
            *_anomalies(report),
            *_datasets(report.datasets, odd),
            *_details(report, odd),
            *_foot(report),
            "</main></body></html>",
            "",
        ]
    )


def _head(report: QualityReport) -> Iterator[str]:
    day = date.fromisoformat(report.day)
    yield f'<p class="soft">Haulier · environment <b>{escape(report.environment)}</b></p>'
    yield f"<h1>Quality report of {day:%A}, {day.day} {day:%B %Y}</h1>"
    yield f'<p class="soft">Jobs that ended from {_moment(report.since)} to {_moment(report.until)} UTC'
    yield f" (a day in {escape(report.timezone)})</p>" if report.timezone != "UTC" else "</p>"
    found = len(report.anomalies)
    compared = any(trail.days >= TRAILING_DAYS for entry in report.datasets for trail in entry.trails)
    if found:
        where = len({one.dataset for one in report.anomalies})
        told = f"{_plural(found, 'figure is', 'figures are')} unlike the days before, in {_plural(where, 'dataset')}"
        yield f'<p class="verdict bad">{told}</p>'
    elif compared:
        yield '<p class="verdict">Nothing is unlike the days before</p>'
    else:
        yield f'<p class="verdict">No dataset has {TRAILING_DAYS} days to be compared with yet</p>'


def _tiles(totals: Figures) -> Iterator[str]:
    states = ", ".join(f"{count:,} {state.lower()}" for state, count in _largest(totals.states))
    codes = ", ".join(code for code, _ in _largest(totals.failures)[:2])
    tiles = [
        ("Jobs ended", f"{totals.jobs:,}", states or "none"),
        ("Records read", _short(totals.read), f"{_short(totals.written)} written, {_short(totals.filtered)} filtered"),
        ("Records rejected", _percent(totals.reject_ratio), f"{totals.rejected:,} records"),
        ("Jobs failed", _percent(totals.failure_ratio), codes or "none failed"),
        ("Read", size(totals.input_bytes), f"{size(totals.output_bytes)} written"),
    ]
    yield '<div class="tiles">'
    for name, value, note in tiles:
        yield f'<div class="card tile"><span>{name}</span><b>{value}</b><span>{escape(note)}</span></div>'
    yield "</div>"


def _anomalies(report: QualityReport) -> Iterator[str]:
    if not report.anomalies:
        return
    entries = {entry.dataset: entry for entry in report.datasets}
    yield "<h2>Unlike the days before</h2>"
    strange = list(dict.fromkeys(one.dataset for one in report.anomalies))
    for dataset in strange[:TOLD]:
        yield f'<div class="card strange"><h3 class="name">{escape(dataset)}</h3><table>'
        for one in (one for one in report.anomalies if one.dataset == dataset):
            picture = _spark(entries[dataset], one.figure, {(dataset, one.figure): one})
            yield f'<tr><td>{escape(one.told)}.<br><span class="soft">{_advice(one.advice)}</span></td>'
            yield f"<td>{picture}</td></tr>"
        yield "</table></div>"
    if len(strange) > TOLD:
        yield f'<p class="soft">{len(strange) - TOLD} more datasets are in the JSON beside this page.</p>'


def _advice(text: str) -> str:
    """Commands stand between backquotes."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))


def _datasets(entries: Sequence[DatasetQuality], odd: _Odd) -> Iterator[str]:
    if not entries:
        yield '<h2>Datasets</h2><p class="soft">No job ended on this day, nor on the days before.</p>'
        return
    yield f'<h2>Datasets <span class="soft">beside their last {LOOKBACK_DAYS} days</span></h2>'
    yield '<div class="card wide"><table class="datasets"><thead><tr><th>Dataset</th><th class="n">Jobs</th><th></th>'
    yield '<th class="n">Failed</th><th class="n">Records</th><th></th><th class="n">Rejected</th><th></th>'
    yield '<th class="n">Bytes read</th><th class="n">Median time</th><th class="n">95 %</th></tr></thead><tbody>'
    for entry in _shown(entries, {dataset for dataset, _ in odd}):
        figures, name, took = entry.figures, entry.dataset, entry.figures.timing
        yield f'<tr><td class="name">{escape(name)}</td>'
        yield f"{_cell(f'{figures.jobs:,}', odd.get((name, 'jobs')))}<td>{_spark(entry, 'jobs', odd, SMALL)}</td>"
        yield _cell(_percent(figures.failure_ratio), odd.get((name, "failure_ratio")))
        yield f"{_cell(_short(figures.read), odd.get((name, 'read')))}<td>{_spark(entry, 'read', odd, SMALL)}</td>"
        yield _cell(_percent(figures.reject_ratio), odd.get((name, "reject_ratio")))
        yield f"<td>{_spark(entry, 'reject_ratio', odd, SMALL)}</td>"
        yield _cell(size(figures.input_bytes), odd.get((name, "input_bytes")))
        yield f'<td class="n">{_took(took.p50_ms) if took else _NONE}</td>'
        yield f'<td class="n">{_took(took.p95_ms) if took else _NONE}</td></tr>'
    yield "</tbody></table></div>"
    if len(entries) > LISTED:
        yield f'<p class="soft">{len(entries) - LISTED} more datasets are in the JSON beside this page.</p>'


def _shown(entries: Sequence[DatasetQuality], strange: Collection[str]) -> list[DatasetQuality]:
    """By name."""
    ranked = sorted(entries, key=lambda one: (one.dataset not in strange, -one.figures.jobs, one.dataset))
    return sorted(ranked[:LISTED], key=lambda one: one.dataset)


def _details(report: QualityReport, odd: _Odd) -> Iterator[str]:
    """Datasets with something to tell: the unusual ones first, then by how much they rejected and failed."""
    strange = {dataset for dataset, _ in odd}
    telling = [
        entry
        for entry in report.datasets
        if entry.figures.rejected or entry.figures.failures or entry.figures.refusals or entry.dataset in strange
    ]
    telling = [entry for entry in telling if entry.figures.jobs]
    telling.sort(key=lambda one: (one.dataset not in strange, -one.figures.rejected, one.dataset))
    if telling:
        yield "<h2>Reasons and jobs</h2>"
    for entry in telling[:DETAILED]:
        yield from _detail(entry)
    if len(telling) > DETAILED:
        yield f'<p class="soft">{len(telling) - DETAILED} more datasets are in the JSON beside this page.</p>'


def _detail(entry: DatasetQuality) -> Iterator[str]:
    figures = entry.figures
    yield f'<div class="card detail"><h3 class="name">{escape(entry.dataset)}</h3><div class="parts">'
    yield "<div>"
    yield from _codes("Records rejected, by code", figures.reject_codes, figures.rejected)
    yield from _codes("Jobs failed, by code", figures.failures, figures.jobs)
    yield from _codes("Refused at intake, by code", figures.refusals, figures.jobs)
    yield "</div>"
    yield from _jobs("Rejected most", entry.rejecters, lambda job: f"{job.rejected:,} of {_short(job.read)}")
    yield from _jobs("Took longest", entry.slowest, lambda job: _took(job.took_ms))
    yield "</div></div>"


def _codes(title: str, codes: Mapping[str, int], of: int) -> Iterator[str]:
    if not codes:
        return
    yield f'<div class="codes"><h4>{title}</h4><table>'
    ranked = _largest(codes)
    for code, count in ranked[:CODES_SHOWN]:
        share = count / of if of else 0.0
        yield f'<tr><td>{escape(code)}</td><td>{bar(min(share, 1.0), kind="bad")}</td><td class="n">{count:,}</td></tr>'
    if len(ranked) > CODES_SHOWN:
        rest = sum(count for _, count in ranked[CODES_SHOWN:])
        yield f'<tr><td class="soft">{len(ranked) - CODES_SHOWN} more</td><td></td><td class="n">{rest:,}</td></tr>'
    yield "</table></div>"


def _jobs(title: str, jobs: Sequence[NotableJob], shown: Callable[[NotableJob], str]) -> Iterator[str]:
    if not jobs:
        return
    yield f"<div><h4>{title}</h4><table>"
    for job in jobs:
        failed = ' <span class="odd">failed</span>' if job.state == "FAILED" else ""
        name = escape(job.file.rsplit("/", 1)[-1] or job.file)
        yield f'<tr><td class="file" title="{escape(job.file, quote=True)}">{name}{failed}<br>'
        yield f'<code>{escape(job.job_id)}</code></td><td class="n">{shown(job)}</td></tr>'
    yield "</table></div>"


def _foot(report: QualityReport) -> Iterator[str]:
    yield "<footer>"
    if report.unreadable_jobs:
        ids = ", ".join(report.unreadable) + (" …" if report.unreadable_jobs > len(report.unreadable) else "")
        yield f'<p class="odd">{_plural(report.unreadable_jobs, "job record")} could not be read and'
        yield f" counted in no figure: {escape(ids)}</p>"
    if report.missing_days:
        yield f"<p>No report is there of {escape(', '.join(report.missing_days))}; these days were passed over.</p>"
    yield f"<p>A figure is told of if it is more than {SIGMAS} standard deviations from the mean of the last"
    yield f" {TRAILING_DAYS} days of that dataset that have it (the band in the pictures), or, where those days were"
    yield " all the same, if it changed by more than a tenth. With fewer days nothing is told. A job belongs to the day"
    yield " it ended on; time is counted from its acceptance.</p></footer>"


def _cell(text: str, one: Anomaly | None) -> str:
    if one is None:
        return f'<td class="n">{text}</td>'
    mark = "\N{BLACK UP-POINTING TRIANGLE}" if one.direction == "above" else "\N{BLACK DOWN-POINTING TRIANGLE}"
    return f'<td class="n odd" title="{escape(one.told, quote=True)}">{mark} {text}</td>'


def _spark(entry: DatasetQuality, figure: FigureName, odd: _Odd, frame: Frame = LARGE) -> str:
    trail = next((one for one in entry.trails if one.figure == figure), Trail(figure=figure, series=(), days=0))
    label = f"{_FIGURE_WORDS[figure]} of {entry.dataset} on the last {len(trail.series)} days"
    unusual = (entry.dataset, figure) in odd
    return sparkline(trail, value_of(entry.figures, figure), unusual=unusual, label=label, frame=frame)


def _largest(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))


def _percent(ratio: float | None) -> str:
    return _NONE if ratio is None else percent(ratio)


def _short(count: int) -> str:
    """`9,999`, `48.2 k`, `12.3 M`: what fits a cell."""
    for unit, name in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if count >= unit:
            return f"{count / (1000 if name == 'k' else unit):,.1f} {name}"
    return f"{count:,}"


def _took(ms: int) -> str:
    if ms < 60_000:
        return f"{ms / 1000:.1f} s"
    seconds = round(ms / 1000)
    return (
        f"{seconds // 60} min {seconds % 60:02d} s"
        if seconds < 3600
        else f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"
    )


def _moment(iso: str) -> str:
    return escape(iso[:16].replace("T", " "))


def _plural(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"
