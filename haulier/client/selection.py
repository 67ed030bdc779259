"""Which letters are meant: by id, job, reason and queue. A pure rule, the same for a look, a redrive and a purge."""

from dataclasses import dataclass

from haulier.client.redrive import DLQ_NAMES


@dataclass(frozen=True, slots=True)
class Selection:
    """What is given must fit, all of it; what is empty fits every letter.

    Attributes:
        queues: whose dead-letter queues.
        message_ids: beginnings of the letters' ids.
        jobs: beginnings of the ids of the jobs they are about; letters about no job fit none.
        reasons: their `error_type`s.
    """

    queues: tuple[str, ...] = DLQ_NAMES
    message_ids: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def whole_queues(self) -> bool:
        """Whether every letter of the queues is meant."""
        return not (self.message_ids or self.jobs or self.reasons)

    def takes(self, queue: str, message_id: str, job_id: str | None, reason: str) -> bool:
        """Whether a letter is meant."""
        return (
            queue in self.queues
            and (not self.message_ids or message_id.startswith(self.message_ids))
            and (not self.jobs or (job_id is not None and job_id.startswith(self.jobs)))
            and (not self.reasons or reason in self.reasons)
        )
