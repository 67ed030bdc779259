"""The page: well formed, self-contained, harmless whatever names it holds, and the same each time."""

import re
from html import escape
from html.parser import HTMLParser
from typing import Any

import pytest

from dispatcher.report_marks import LARGE, SMALL, Frame, bar, sparkline
from dispatcher.report_page import CODES_SHOWN, DETAILED, LISTED, TOLD, page
from haulier.contracts.quality import Anomaly, DatasetQuality, FigureName, Figures, QualityReport
from haulier.jobs.anomalies import FIGURES, trail
from scripts.quality_picture import example
from tests.fakes.ended import DAY, ended
from tests.unit.jobs.test_quality import tallied

EVIL = "<script>alert(1)</script>\"'&{}"
VOID = {"meta", "br"}


class Outline(HTMLParser):
    """Attributes: `tags` as they open, `text` in all; fails where a tag is not closed in its place."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def a_report(**more: Any) -> QualityReport:
    values = {
        "environment": "test", "day": DAY, "timezone": "UTC", "since": f"{DAY}T00:00:00.000Z",
        "until": "2026-11-21T00:00:00.000Z", "totals": Figures(), "datasets": (), "anomalies": (),
    }  # fmt: skip
    return QualityReport(**(values | more))


def test_the_page_is_well_formed_and_fetches_and_runs_nothing() -> None:
    text = page(example())
    outline = Outline(text)
    tags = {tag for tag, _ in outline.tags}
    assert not tags & {"script", "link", "img", "iframe", "form", "object"}
    for _, attributes in outline.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "href")]
    assert not re.search(r"https?://|url\(|@import", text)
    assert (
        "meta",
        {"http-equiv": "Content-Security-Policy", "content": "default-src 'none'; style-src 'unsafe-inline'"},
    ) in outline.tags


def test_the_same_report_gives_the_same_page() -> None:
    assert page(example()) == page(example())


def test_the_page_tells_what_is_unusual_and_why() -> None:
    report = example()
    told = Outline(page(report)).text
    assert "Quality report of Friday, 20 November 2026" in told
    assert {one.dataset for one in report.anomalies} == {"clickstream", "customers", "orders"}
    for one in report.anomalies:
        assert one.told in told
        assert one.advice.replace("`", "") in told
    assert "<code>haulier rejects JOB</code>" in page(report)
    assert "not_in_enum" in told
    assert "2026-11-11" in told


def test_names_from_outside_are_text_and_nothing_else() -> None:
    entries = tallied(
        ended(EVIL, state="FAILED", code=EVIL[:20], dataset=EVIL, rejected=3, read=9, reject_codes={EVIL: 3}),
        ended("b", state="REJECTED", code=EVIL, dataset=EVIL),
    ).datasets.values()
    figures: tuple[FigureName, ...] = ("jobs", "reject_ratio")
    odd = tuple(
        Anomaly(dataset=EVIL, figure=one, direction="above", value=1, mean=0, sigma=1, told=EVIL, advice=EVIL)
        for one in figures
    )
    many = {"environment": EVIL, "timezone": EVIL, "unreadable": (EVIL,), "unreadable_jobs": 1, "missing_days": (EVIL,)}
    text = page(a_report(datasets=tuple(entries), anomalies=odd, **many))
    outline = Outline(text)
    # No tag and no attribute came of it.
    innocent = Outline(text.replace(escape(EVIL), "x").replace(escape(EVIL[:20]), "x"))
    assert [(tag, sorted(attributes)) for tag, attributes in outline.tags] == [
        (tag, sorted(attributes)) for tag, attributes in innocent.tags
    ]
    assert outline.text.count(EVIL) >= 5
    assert "<script" not in text
    assert EVIL not in text


def test_a_day_without_any_job_has_a_page() -> None:
    told = Outline(page(a_report(missing_days=("2026-11-19",)))).text
    assert "No job ended on this day" in told
    assert "No report is there of 2026-11-19" in told


def test_a_page_stays_one_when_there_are_very_many_datasets_and_codes() -> None:
    codes = {f"code{at:02d}": 1 for at in range(30)}
    entries = tuple(
        DatasetQuality(dataset=f"d{at:04d}", figures=Figures(jobs=1, read=9, rejected=3, reject_codes=codes))
        for at in range(300)
    )
    text = page(a_report(datasets=entries))
    told = Outline(text).text
    assert f"{300 - DETAILED} more datasets" in told
    assert f"{30 - CODES_SHOWN} more" in told
    assert "d0299" in told
    assert len(text) < 400_000


def test_a_page_of_more_datasets_than_anybody_reads_shows_the_unusual_and_the_largest() -> None:
    series = tuple(float(at % 2) for at in range(14))
    entries = tuple(
        DatasetQuality(
            dataset=f"d{at:04d}",
            figures=Figures(jobs=at),
            trails=tuple(trail(figure, series) for figure in FIGURES),
        )
        for at in range(3000)
    )
    strange = tuple(
        Anomaly(dataset=f"d{at:04d}", figure="jobs", direction="below", value=0, mean=9, sigma=1, told="x", advice="y")
        for at in range(200)
    )
    text = page(a_report(datasets=entries, anomalies=strange))
    told = Outline(text).text
    assert f"{200 - TOLD} more datasets" in told
    assert f"{3000 - LISTED} more datasets" in told
    assert "d0199" in told
    assert "d2999" in told
    assert "d0200" not in told
    assert len(text) < 2_000_000


@pytest.mark.parametrize("frame", [LARGE, SMALL])
@pytest.mark.parametrize(
    ("series", "value", "strokes", "dots"),
    [
        ([None] * 14, None, 0, 0),
        ([None] * 14, 3.0, 1, 1),
        ([1.0] * 14, None, 1, 0),
        ([1.0, None, 2.0, 3.0], 4.0, 2, 1),
        ([0.0] * 14, 0.0, 1, 1),
    ],
)
def test_a_sparkline_has_a_gap_where_a_day_is_missing(
    series: list[float | None], value: float | None, strokes: int, dots: int, frame: Frame
) -> None:
    drawn = sparkline(trail("jobs", series), value, unusual=False, label=EVIL, frame=frame)
    assert drawn.count("<polyline") == strokes
    assert drawn.count("<circle") == dots
    assert "<script" not in drawn
    for number in re.findall(r"[\d.]+,[\d.]+", drawn):
        x, y = map(float, number.split(","))
        assert 0 <= x <= frame.width
        assert 0 <= y <= frame.height


def test_the_band_of_the_usual_is_there_from_seven_days_on() -> None:
    assert 'class="band"' not in sparkline(trail("jobs", [1.0] * 6), 1.0, unusual=False, label="")
    assert 'class="band"' in sparkline(trail("jobs", [1.0, 2.0] * 4), 1.0, unusual=False, label="")


@pytest.mark.parametrize(("share", "width"), [(0.0, "0.0"), (0.0001, "1.0"), (0.5, "50.0"), (1.0, "100.0")])
def test_a_bar_of_something_is_never_invisible(share: float, width: str) -> None:
    assert f'class="fill " width="{width}"' in bar(share)
