"""Logging: one JSON object a line on stdout. Events are `noun.verb_past`, values are fields, never part of the text.

Bound once a message: job, run, chunk, round, attempt, queue, message.
"""

import logging
import sys

import structlog
from structlog.stdlib import BoundLogger

EVENTS = frozenset(
    {
        "worker.started", "worker.stopped", "stop.requested", "stop.forced", "work.interrupted", "duty.died",
        "queue.failed", "message.settled", "message.refused", "message.moved",
        "circuit.opened", "circuit.closed", "protection.changed", "protection.refused",
        "message.deleted_at_wall", "chunk.claimed", "chunk.committed", "chunk.failed", "chunk.released",
        "chunk.lost", "job.finished", "job.failed", "lease.beat_failed", "lease.lost", "receipt.expired",
        "token.answered", "token.dead", "work.stalled", "work.crashed", "output.left",
        "settlement.failed",
    }
)  # fmt: skip
"""Every event the worker logs; `tests/unit/worker/test_log.py` compares it with the code."""


def configure(level: str, form: str) -> None:
    """Sets structlog up for the process; `form` is `json` or `console`."""
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=True,
    )


def write_line(line: str) -> None:
    """A line that is JSON already, among those of the log: under the same lock, so that no other thread's comes between
    it and its end.
    """
    structlog.PrintLogger().msg(line)


def get_logger() -> BoundLogger:
    logger: BoundLogger = structlog.get_logger()
    return logger
