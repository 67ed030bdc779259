"""What is measured when: once a settled chunk, and when the circuit changes. Written beside the log."""

from collections.abc import Callable, Mapping

from haulier.contracts.metrics import (
    BYTES,
    CIRCUIT_OPEN,
    ERRORS,
    FAILURE,
    LATENCY,
    LEASE_LOSSES,
    OUTAGES,
    QUEUE_WAIT,
    RECORDS,
    RETRIES,
    STALLS,
    SUCCESS,
    Metric,
)
from haulier.jobs.embedded import embedded
from worker.clock import Clock
from worker.outcome import Excused, Failed, Lost, Outcome, Refused
from worker.runtime.held import Held, Stop


class Meter:
    """Has lines in the embedded metric format written, each without its end; none if `write` is None."""

    def __init__(self, environment: str, clock: Clock, write: Callable[[str], object] | None = None) -> None:
        self._environment = environment
        self._clock = clock
        self._write = write

    def settled(self, held: Held, outcome: Outcome) -> None:
        """To be called once a message, after its settlement. A message that was never claimed says nothing: it is
        another's, or comes again; unless its job failed with it, for failures are spent when nobody may claim any more.
        """
        if not held.measured.names and not isinstance(outcome, Refused):
            return
        if isinstance(outcome, Refused):
            held.measured.names.setdefault("job", outcome.job.job_id)
        values = measure(held, outcome, seconds=self._clock.monotonic() - held.received_at)
        sent_at_ms = held.received.sent_at_ms
        if held.received.receives == 1 and sent_at_ms is not None:
            received_ms = self._clock.now_ms() - (self._clock.monotonic() - held.received_at) * 1000
            values[QUEUE_WAIT] = max(round(received_ms - sent_at_ms), 0)
        about = {**held.measured.names, "queue": held.received.queue, "outcome": type(outcome).__name__}
        self._line("chunk.measured", values, {"FileType": held.measured.file_type or ""}, about)

    def circuit(self, service: str, *, is_open: bool) -> None:
        self._line("circuit.measured", {CIRCUIT_OPEN: int(is_open)}, {"Service": service}, {})

    def _line(
        self, event: str, values: Mapping[Metric, float], dimensions: Mapping[str, str], about: Mapping[str, object]
    ) -> None:
        if self._write is None:
            return
        line = embedded(
            values,
            {"Environment": self._environment, **dimensions},
            now_ms=self._clock.now_ms(),
            properties={"event": event, "level": "info", **about},
        )
        self._write(line)


def measure(held: Held, outcome: Outcome, *, seconds: float) -> dict[Metric, float]:
    """The values for a chunk that was claimed, `seconds` after its message was received."""
    committed = held.measured.committed
    values: dict[Metric, float] = {
        SUCCESS: int(committed),
        FAILURE: int(isinstance(outcome, Refused)),
        ERRORS: int(isinstance(outcome, Failed | Excused | Refused)),
        LATENCY: round(seconds * 1000),
        RETRIES: int(held.measured.tried_before),
        OUTAGES: int(isinstance(outcome, Excused)),
        LEASE_LOSSES: int(isinstance(outcome, Lost) or held.stop is Stop.EXPIRED),
        STALLS: int(held.stop is Stop.STALLED),
    }
    if committed:
        values |= {RECORDS: held.measured.read, BYTES: held.measured.input_bytes}
    return values
