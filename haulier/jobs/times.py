"""Milliseconds since the epoch (what procedures are passed) and ISO 8601 (what people and the index read)."""

from datetime import UTC, datetime


def iso(ms: int) -> str:
    """`2026-11-21T09:30:00.125Z`: fixed width, so that it sorts as text."""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def parse_iso(text: str) -> int:
    """The milliseconds of what `iso` wrote (or any ISO 8601 text with a zone)."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)
