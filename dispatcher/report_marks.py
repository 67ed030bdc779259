"""The small pictures of the quality report as inline SVG: a figure's last days, and bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from haulier.contracts.quality import Trail
from haulier.jobs.anomalies import SIGMAS, TRAILING_DAYS

_MARGIN = 3.5


@dataclass(frozen=True, slots=True)
class Frame:
    """How large a sparkline is, pixels."""

    width: int
    height: int

    def x(self, at: int, points: int) -> float:
        return _MARGIN + (self.width - 2 * _MARGIN) * at / max(points - 1, 1)

    def y(self, value: float, top: float) -> float:
        return self.height - _MARGIN - (self.height - 2 * _MARGIN) * value / top


LARGE, SMALL = Frame(132, 36), Frame(84, 26)


def sparkline(trail: Trail, value: float | None, *, unusual: bool, label: str, frame: Frame = LARGE) -> str:
    """The days before as a line over what is usual as a band, and the day itself as a dot.

    The scale starts at zero, so that a small change looks small. A day without the figure is a gap.

    Args:
        trail: the days before.
        value: of the day; None draws no dot.
        unusual: whether the dot is one to look at.
        label: what is drawn, for who cannot see it.
        frame: how large it is.
    """
    points = [*trail.series, value]
    known = [point for point in points if point is not None]
    if not known:
        return ""
    top = max(known) or 1.0
    body = _band(trail, top, frame) + "".join(_strokes(points, top, frame))
    if value is not None:
        dot = f'<circle class="{"dot odd" if unusual else "dot"}" r="{3 if unusual else 2.2}" '
        body += f'{dot}cx="{frame.x(len(points) - 1, len(points)):.1f}" cy="{frame.y(value, top):.1f}"/>'
    size = f'width="{frame.width}" height="{frame.height}" viewBox="0 0 {frame.width} {frame.height}"'
    return f'<svg class="spark" role="img" aria-label="{escape(label, quote=True)}" {size}>{body}</svg>'


def bar(share: float, *, kind: str = "") -> str:
    """A bar of `share` (0 to 1) of the room there is; what is not nothing is never invisible."""
    width = max(1.0, 100 * share) if share > 0 else 0.0
    return (
        f'<svg class="bar" width="100" height="8" viewBox="0 0 100 8" aria-hidden="true"><rect class="rail" width="100"'
        f' height="8" rx="2"/><rect class="fill {kind}" width="{width:.1f}" height="8" rx="2"/></svg>'
    )


def _band(trail: Trail, top: float, frame: Frame) -> str:
    """What is usual: three standard deviations around the mean; only where there are enough days to say so."""
    if trail.days < TRAILING_DAYS or trail.mean is None or trail.sigma is None:
        return ""
    upper = frame.y(min(trail.mean + SIGMAS * trail.sigma, top), top)
    lower = frame.y(max(trail.mean - SIGMAS * trail.sigma, 0.0), top)
    height = max(lower - upper, 1.0)
    return f'<rect class="band" x="0" y="{lower - height:.1f}" width="{frame.width}" height="{height:.1f}" rx="1"/>'


def _strokes(points: Sequence[float | None], top: float, frame: Frame) -> list[str]:
    """A line for each stretch of days without a gap; a day alone is a short dash."""
    stretches: list[list[tuple[float, float]]] = [[]]
    for at, point in enumerate(points):
        if point is None:
            stretches.append([])
        else:
            stretches[-1].append((frame.x(at, len(points)), frame.y(point, top)))
    drawn = []
    for stretch in (stretch for stretch in stretches if stretch):
        ends = stretch if len(stretch) > 1 else [(stretch[0][0] - 1, stretch[0][1]), (stretch[0][0] + 1, stretch[0][1])]
        drawn.append(f'<polyline class="line" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in ends)}"/>')
    return drawn
