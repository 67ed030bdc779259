"""The daily quality reports a stack has stored."""

from datetime import UTC, datetime, timedelta

from haulier.client.connection import Connection
from haulier.client.errors import Damaged, NotFound
from haulier.contracts.keys import QUALITY_PREFIX, quality_key
from haulier.contracts.quality import QualityReport
from haulier.jobs.calls import Call
from haulier.jobs.calls import NotFound as Missing

NEWEST_WITHIN_DAYS = 60
_HINT = "reports are made once a day (docs/quality.md); a missing one can be made by hand"


def quality_report(connection: Connection, day: str | None = None) -> QualityReport:
    """A day's report, or the newest one.

    Args:
        connection: the stack.
        day: `2026-11-20`.

    Raises:
        NotFound: there is none.
        Damaged: it cannot be read.
    """
    key = quality_key(day) if day else _newest(connection)
    try:
        call = Call("s3", "get_object", {"Bucket": connection.output_bucket, "Key": key})
        body: bytes = connection.perform(call)["Body"]
    except Missing:
        raise NotFound(f"there is no quality report of {day}", _HINT) from None
    try:
        return QualityReport.of(body)
    except ValueError:
        address = f"s3://{connection.output_bucket}/{key}"
        raise Damaged(f"{address} cannot be read", "a newer release wrote it, or it is damaged") from None


def _newest(connection: Connection) -> str:
    """The key of the newest report; keys sort by day."""
    today = datetime.fromtimestamp(connection.now_ms() / 1000, UTC).date()
    since = quality_key((today - timedelta(days=NEWEST_WITHIN_DAYS)).isoformat(), "")
    params = {"Bucket": connection.output_bucket, "Prefix": QUALITY_PREFIX, "StartAfter": since}
    listed = connection.perform(Call("s3", "list_objects_v2", params)).get("Contents", [])
    keys = [entry["Key"] for entry in listed if entry["Key"].endswith(".json")]
    if not keys:
        raise NotFound(f"there is no quality report of the last {NEWEST_WITHIN_DAYS} days", _HINT)
    return str(max(keys))
