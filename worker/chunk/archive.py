"""A zip's members, one after another, out of one forward stream of the object.

The directory is read first, by one or two ranges at the object's end, under the same ETag as all reads; then the stream
that was begun to look at the object goes on from its first byte: no member costs a request of its own, and the next
one's bytes are on their way while one is parsed. What is not listed is passed over, unless it is a member.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

from haulier.contracts.source import Source
from worker.flow.fetch import Fetcher
from worker.flow.forward import Forward
from worker.flow.threads import Threads
from worker.progress import Progress
from worker.records.expansion import Expansion
from worker.records.zip_directory import LOCAL_HEADER_BYTES, TAIL_BYTES, Directory, Member, read_directory
from worker.records.zip_member import GAP_BYTES, check_gap, check_name, header_bytes


async def directory_of(
    source: Source, expansion: Expansion, *, fetcher: Fetcher, threads: Threads, progress: Progress
) -> Directory:
    """Reads the archive's directory.

    Raises:
        InputBroken: see `read_directory`.
    """
    tail, start = b"", source.size
    wanted = max(source.size - TAIL_BYTES, 0)
    while True:
        async with aclosing(fetcher.stream(source, wanted, start, progress)) as pieces:
            tail = b"".join([piece async for piece in pieces]) + tail
        start = wanted
        look = partial(read_directory, tail, size=source.size, expansion=expansion)
        found = await threads.run(len(tail), look)
        if isinstance(found, Directory):
            return found
        wanted = found


async def members(
    forward: Forward, directory: Directory, *, archive: str
) -> AsyncGenerator[tuple[Member, AsyncGenerator[bytes, None]], None]:
    """Each member that holds records, with its stored bytes; what is not taken of them is passed over.

    Raises:
        InputBroken: `corrupt`, a local header contradicts the directory.
    """
    for member in directory.members:
        await _pass_gap(forward, member.at, archive)
        fixed = await forward.exactly(LOCAL_HEADER_BYTES)
        header = fixed + await forward.exactly(header_bytes(fixed, member, archive=archive) - LOCAL_HEADER_BYTES)
        check_name(header, member, archive=archive)
        end = forward.at + member.stored
        if not member.left_out:
            yield member, forward.upto(end)
        await forward.skip_to(end)
    await _pass_gap(forward, directory.end, archive)


async def _pass_gap(forward: Forward, upto: int, archive: str) -> None:
    at = forward.at
    check_gap(await forward.exactly(min(upto - at, GAP_BYTES)), at, archive=archive)
    await forward.skip_to(upto)
