"""What the state machine does for a chunked job: sends a pass, lets workers do it, assembles, until the run is over."""

from haulier.contracts.dataset import Dataset
from haulier.contracts.messages import ChunkMessage
from haulier.jobs.calls import drive_async
from haulier.jobs.finish import Ended, NotYet, finish
from haulier.jobs.items import JobItem, chunk_sk
from haulier.jobs.peek import peek
from haulier.jobs.planning import plan_chunks
from haulier.jobs.prove import Broken
from haulier.jobs.writes import update
from tests.fakes.world import INPUT, OUTPUT, TABLE, World

Wanted = list[tuple[int, int]]


def planned(world: World, data: bytes, *, key: str, dataset: Dataset, chunk_bytes: int) -> tuple[JobItem, Wanted]:
    """A job that is cut into chunks, and its first pass."""
    source = world.objects.put_source(INPUT, key, data)
    job = world.accept(source, dataset=dataset, queue="bulk", chunked=True)
    reading = peek(data[: 1 << 18], key=key, complete=len(data) <= 1 << 18, compression="none", dataset=dataset)
    plan = plan_chunks(reading=reading, size=len(data), chunk_bytes=chunk_bytes)
    world.plan(job, plan)
    return job, [(chunk, 0) for chunk in range(plan.chunks)]


def send(world: World, job: JobItem, wanted: Wanted) -> None:
    for chunk, round_ in wanted:
        message = ChunkMessage(job_id=job.job_id, run=1, chunk=chunk, round=round_, token=f"{chunk}/{round_}")
        world.queues["bulk"].send(message.to_json())


async def assemble(world: World, job: JobItem) -> Wanted | Ended:
    """What the assembler answers: the next pass, or the run's end. It can be killed at any call."""
    found = await drive_async(finish(TABLE, OUTPUT, job.job_id, 1, world.clock.now_ms()), world.perform)
    if isinstance(found, Ended):
        return found
    assert isinstance(found, NotYet)
    if not isinstance(found.proof, Broken):
        return list(found.proof.missing)
    for redo in found.proof.redos:
        sk = chunk_sk(1, redo.chunk, redo.round)
        world.perform_now(update(TABLE, job.job_id, sk, sets={"given": redo.given, "end": redo.end}))
    return [(redo.chunk, redo.round) for redo in found.proof.redos]


async def run(world: World, job: JobItem, wanted: Wanted, *, until: int | None = None) -> Ended:
    """Passes until the run is over.

    Args:
        world: all services.
        job: which was planned.
        wanted: the first pass.
        until: stops before the pass that sends this chunk, with a failure if the run is over earlier.
    """
    for _ in range(40):
        if until is not None and any(chunk == until for chunk, _ in wanted):
            return Ended(world.job(job.job_id).status)
        send(world, job, wanted)
        while world.queues["bulk"].messages:
            await world.deliver(world.worker(), "bulk")
        answer = await assemble(world, job)
        if isinstance(answer, Ended):
            assert until is None, f"chunk {until} was never asked for: {world.job(job.job_id)}"
            return answer
        wanted = answer
    raise AssertionError(f"the run does not end: {wanted}")
