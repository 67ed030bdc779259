"""Is the answer to a ranged read what was asked for? Checked on every reply, since servers differ."""

import re

from haulier.contracts.source import Source
from worker.errors import SourceChanged
from worker.ports import Reply

_CONTENT_RANGE = re.compile(r"^bytes (\d+)-(\d+)/(\d+|\*)$")


def answers(reply: Reply, source: Source, start: int, end: int) -> bool:
    """Whether the body holds exactly bytes `[start, end)` of the pinned object; False if the range was ignored.

    Raises:
        SourceChanged: the answer is of another object than the run pinned.
    """
    if reply.etag is not None and reply.etag != source.etag:
        raise SourceChanged.of(source.uri, f"its ETag is {reply.etag}, not {source.etag}")
    if reply.content_range is None:
        return (start, end) == (0, source.size) and reply.length == source.size
    found = _CONTENT_RANGE.match(reply.content_range)
    if found is None:
        return False
    if found[3] not in ("*", str(source.size)):
        raise SourceChanged.of(source.uri, f"it has {found[3]} bytes, not {source.size}")
    return (int(found[1]), int(found[2]) + 1) == (start, end)
