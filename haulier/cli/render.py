"""Tables for a terminal, made of the rows that are written as JSON elsewhere (`rows`)."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from haulier.cli import formats
from haulier.cli.rows import Row

WIDE_COLUMNS = 120
ERROR_COLUMNS = 100
CHUNK_COLUMNS = 150
_COUNTS = ("values", "nulls", "~distinct", "rejects")
_COLOURS = {
    "SUCCEEDED": "green",
    "FAILED": "bold red",
    "REJECTED": "red",
    "CANCELLED": "yellow",
    "RUNNING": "cyan",
    "SEALED": "cyan",
}


def state(value: str) -> Text:
    return Text(value, style=_COLOURS.get(value, ""))


def table(*columns: str, numbers: Sequence[str] = ()) -> Table:
    """An empty table; columns in `numbers` are set to the right, the others may fold."""
    made = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        made.add_column(
            column,
            justify="right" if column in numbers else "left",
            no_wrap=column in (*numbers, "job", "state"),
            overflow="fold",
        )
    return made


def jobs_table(rows: Sequence[Row], width: int) -> RenderableType:
    """Jobs, one a line; a terminal of fewer than 120 columns gets fewer facts and the ends of long keys.

    Codes of errors have a column where there are any; under 100 columns it takes the place of other facts.
    """
    failed, crowded = any(row["error"] for row in rows), width < ERROR_COLUMNS
    numbers = ("size", "records", "rejects", "chunks", "time", "MB/s")
    named = ["job", "state", "file", *(numbers[:3] if failed and crowded else numbers)]
    named += ["error"] if failed else []
    named += ["dataset", "changed (UTC)"] if width >= WIDE_COLUMNS else []
    made = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for column in named:
        # Only a column that may wrap gives up width; its cells are cut instead.
        made.add_column(column, justify="right" if column in numbers else "left", no_wrap=column != "file")
    for row in rows:
        cells = _job_cells(row, whole_key=width >= WIDE_COLUMNS)
        made.add_row(*(cells[column] for column in named))
    return made if made.row_count else Text("no jobs")


def _job_cells(row: Row, *, whole_key: bool) -> dict[str, str | Text]:
    key, error = _key(row["file"]), row["error"]
    return {
        "job": formats.short(row["job_id"]),
        "state": state(row["state"]),
        "file": Text(key if whole_key else key.rsplit("/", 1)[-1], no_wrap=True, overflow="ellipsis"),
        "size": formats.size(row["bytes"]),
        "records": formats.count(row["read"]),
        "rejects": formats.count(row["rejected"]),
        "chunks": formats.count(row["chunks"]),
        "time": formats.duration(row["seconds"] if row["finished_at"] else None),
        "MB/s": formats.rate(row["mb_per_second"]),
        "error": Text(error["code"] if error else "", style="red"),
        "dataset": row["dataset"],
        "changed (UTC)": formats.moment(row["updated_at"]),
    }


def status_table(row: Row) -> RenderableType:
    """A job, one fact a line."""
    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in _facts(row):
        if value is not None:
            made.add_row(name, value)
    error = row["error"]
    if error:
        made.add_row("error", Text(f"{error['code']} (stage {error['stage']}): {error['message']}", style="red"))
    for remark in row["remarks"]:
        made.add_row("remark", Text(remark))
    return made


def _facts(row: Row) -> list[tuple[str, str | Text | None]]:
    took = formats.duration(row["seconds"])
    if row["working_seconds"] is not None:
        took += f" ({formats.duration(row['working_seconds'])} at work)"
    records = f"{formats.count(row['read'])} read, {formats.count(row['rejected'])} rejected"
    if row["written"] is not None:
        records += f", {formats.count(row['written'])} written, {formats.count(row['filtered'])} filtered"
    sizes = f"{formats.size(row['bytes_done'])} of {formats.size(row['bytes'])}"
    if row["output_bytes"] is not None:
        sizes = f"{formats.size(row['bytes'])} in, {formats.size(row['output_bytes'])} out"
    chunks = f"{formats.count(row['chunks_done'])} of {formats.count(row['chunks'])}"
    if row["redone"]:
        chunks += f", {formats.count(row['redone'])} redone"
    if row["members"] is not None:
        return _facts_of_batch(row, took)
    return [
        ("job", row["job_id"]),
        ("batch", row["batch"]),
        ("file", Text(row["file"])),
        ("uploaded", f"{formats.moment(row['uploaded_at'])} UTC" if row["uploaded_at"] else None),
        ("state", state(row["state"])),
        ("run", str(row["run"])),
        ("dataset", row["dataset"]),
        ("read as", row["file_type"]),
        ("queue", row["queue"]),
        ("accepted", f"{formats.moment(row['accepted_at'])} UTC"),
        ("duration", took),
        ("records", records),
        ("bytes", sizes),
        ("rate", f"{formats.rate(row['mb_per_second'])} MB/s" if row["mb_per_second"] is not None else None),
        ("chunks", chunks),
        ("outputs", Text(row["outputs"]) if row["outputs"] else None),
    ]


def _facts_of_batch(row: Row, took: str) -> list[tuple[str, str | Text | None]]:
    members = ", ".join(f"{formats.count(count)} {state}" for state, count in row["members"].items())
    return [
        ("job", row["job_id"]),
        ("batch of", Text(row["file"])),
        ("state", state(row["state"])),
        ("run", str(row["run"])),
        ("accepted", f"{formats.moment(row['accepted_at'])} UTC"),
        ("duration", took),
        ("members", members or formats.NONE),
        ("passed over", formats.count(row["skipped"]) if row["skipped"] else None),
        ("outputs", Text(row["outputs"]) if row["outputs"] else None),
    ]


def profile_table(rows: Sequence[Row], left_out: int, width: int) -> RenderableType:
    """What the outputs hold, a column a line, `~` before what is estimated; a narrow terminal gets rounded counts."""
    counted = formats.count if width >= WIDE_COLUMNS else _rounded
    lines = [_profile_cells(row, counted) for row in rows]
    # Names and bounds share what the others leave, and are cut to it.
    used = sum(max(len(name), *(len(line[name]) for line in lines)) + 1 for name in (*_COUNTS, "type"))
    spare = max(width - used - 2, 30)
    room = {"column": spare * 2 // 5, "min": spare * 3 // 10, "max": spare * 3 // 10}
    made = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    named = ("column", "type", *_COUNTS, "min", "max")
    for name in named:
        justify: Literal["left", "right"] = "right" if name in _COUNTS else "left"
        made.add_column(name, justify=justify, no_wrap=True, overflow="ellipsis", max_width=room.get(name))
    for line in lines:
        made.add_row(*(Text(line[name]) for name in named))
    note = Text(f"and {left_out:,} more columns that are not profiled", style="dim")
    return Group(made, note) if left_out else made


def _profile_cells(row: Row, counted: Callable[[int | None], str]) -> dict[str, str]:
    return {
        "column": _one_line(row["name"]),
        "type": row["kind"] or formats.NONE,
        "values": counted(row["values"]),
        "nulls": counted(row["nulls"]),
        "~distinct": counted(row["distinct"]),
        "rejects": counted(sum(row["rejects"].values())),
        "min": _one_line(row["min"]),
        "max": _one_line(row["max"]),
    }


def _rounded(value: int | None) -> str:
    return formats.NONE if value is None else formats.rounded(value)


def _one_line(value: object) -> str:
    """As it is shown in a table, since a text may hold any character."""
    if value is None:
        return formats.NONE
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return "".join(char if char.isprintable() else "·" for char in shown)


def chunks_table(rows: Iterable[Row], width: int) -> RenderableType:
    """Rounds of chunks, one a line; a narrow terminal is not told where they lie, then not who did them and when."""
    numbers = ("chunk", "round", "first", "next", "records", "rejects", "bytes", "time", "attempts")
    left_out = {"first", "next"} if width < CHUNK_COLUMNS else set()
    left_out |= {"committed", "worker"} if width < WIDE_COLUMNS else set()
    named = [column for column in (*numbers, "committed", "worker", "failure") if column not in left_out]
    made = table(*named, numbers=numbers)
    for row in rows:
        cells = _chunk_cells(row)
        made.add_row(*(cells[column] for column in named))
    return made


def _chunk_cells(row: Row) -> dict[str, str | Text]:
    failure = row["failure"]
    return {
        "chunk": str(row["chunk"]),
        "round": str(row["round"]),
        "first": formats.count(row["first"]),
        "next": formats.count(row["next"]),
        "records": formats.count(row["read"]),
        "rejects": formats.count(row["rejected"]),
        "bytes": formats.size(row["bytes"]),
        "time": formats.duration(row["seconds"]),
        "attempts": str(row["attempts"]),
        "committed": formats.moment(row["committed_at"]),
        "worker": row["worker"] or formats.NONE,
        "failure": Text(f"{failure['code']}: {failure['message']}" if failure else ""),
    }


def requests_table(rows: Iterable[Row]) -> RenderableType:
    made = table("job", "dataset", "size", "file", "then", numbers=("size",))
    for row in rows:
        then = f"is {row['state']} already" if row["state"] else ("asked for" if row["asked"] else "would be asked for")
        job = formats.short(row["job_id"] or formats.NONE)
        made.add_row(job, row["dataset"], formats.size(row["bytes"]), Text(row["file"]), then)
    return made


def members_table(rows: Iterable[Row]) -> RenderableType:
    made = table("job", "state", "records", "rejects", "key", "error", numbers=("records", "rejects"))
    for row in rows:
        error = row["error"]
        made.add_row(
            formats.short(row["job_id"]),
            state(row["state"]),
            formats.count(row["read"]),
            formats.count(row["rejected"]),
            Text(row["key"]),
            Text(f"{error['code']}: {error['message']}" if error else "", style="red"),
        )
    return made if made.row_count else Text("no members that are over")


def letters_table(rows: Iterable[Row]) -> RenderableType:
    made = table("letter", "queue", "sent", "job", "reason")
    for row in rows:
        reason = ": ".join(filter(None, (row["error_type"], row["error_message"])))
        made.add_row(
            row["message_id"][:8],
            row["queue"],
            formats.moment(row["sent_at"]),
            formats.short(row["job_id"] or formats.NONE),
            Text(reason or "no reason given: SQS moved it after too many receives"),
        )
    return made if made.row_count else Text("no letters")


def letter_text(row: Row) -> RenderableType:
    """A whole letter."""
    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for name in ("message_id", "queue", "sent_at", "group", "job_id", "error_type", "error_stage", "error_message"):
        if row[name]:
            made.add_row(name.replace("_", " "), Text(row[name]))
    return Group(made, Text(), Text(row["body"]))


def redriven_table(rows: Iterable[Row]) -> RenderableType:
    made = table("letter", "queue", "job", "decision", "why")
    for row in rows:
        job = formats.short(row["job_id"] or formats.NONE)
        made.add_row(row["message_id"][:8], row["queue"], job, row["decision"], Text(row["why"]))
    return made if made.row_count else Text("no letters")


def datasets_table(rows: Iterable[Row]) -> RenderableType:
    made = table("dataset", "matches", "columns", "output", "problems", numbers=("columns",))
    for row in rows:
        config: dict[str, Any] = row["config"]
        rules = [f"{rule['prefix']}*{rule['suffix']}" for rule in config.get("match", [])]
        made.add_row(
            row["dataset"],
            Text("\n".join(rules) or ("-" if row["usable"] else "")),
            str(len(config.get("schema", {}).get("columns", []))) if row["usable"] else "",
            config.get("output", {}).get("format", ""),
            Text("\n".join(row.get("problems", [])), style="red"),
        )
    return made if made.row_count else Text("no datasets: the default one applies to every key")


def facts_table(row: Row) -> RenderableType:
    """A row of a few facts, one a line."""
    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in row.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        made.add_row(name.replace("_", " "), Text(str(shown)))
    return made


def _key(uri: str) -> str:
    """The key of an s3:// address."""
    return uri.removeprefix("s3://").partition("/")[2]
