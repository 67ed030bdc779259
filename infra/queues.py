"""The queues: intake, the four work queues, and a dead-letter queue for each."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from haulier.contracts import limits
from haulier.contracts.dataset import WORK_QUEUES
from haulier.contracts.names import Names
from infra.settings import Settings
from infra.trust import arn

INTAKE_TIMEOUT_SECONDS = 60
"""Time limit of the intake function; its queue's visibility is six times that (AWS's rule for event sources)."""
INTAKE_VISIBILITY_SECONDS = 6 * INTAKE_TIMEOUT_SECONDS
INTAKE_MAX_RECEIVES = 8
"""A bad event ends in the intake DLQ; a throttled table must not send good ones there."""


@dataclass(frozen=True)
class QueuePair:
    """A queue and where its messages go when they cannot be worked on."""

    queue: sqs.Queue
    dlq: sqs.Queue


def letters_of(scope: Construct, queue: str) -> sqs.RedriveAllowPolicy:
    """Of a dead-letter queue: only that queue may lead to it.

    Args:
        scope: where the reference to the queue is put.
        queue: its name. A queue waits for its dead-letter queue, so that must not wait for the queue.
    """
    source = sqs.Queue.from_queue_arn(scope, f"SourceOf{queue}", arn("sqs", queue))
    return sqs.RedriveAllowPolicy(redrive_permission=sqs.RedrivePermission.BY_QUEUE, source_queues=[source])


class Queues(Construct):
    """Intake and work queues.

    Attributes:
        intake: events on their way to the dispatcher.
        work: `priority`, `standard`, `bulk` and `ondemand`, in this order: chunks on their way to workers.
    """

    def __init__(self, scope: Construct, *, names: Names, settings: Settings) -> None:
        super().__init__(scope, "Queues")
        self.intake = self._pair("intake", names, visibility=INTAKE_VISIBILITY_SECONDS, receives=INTAKE_MAX_RECEIVES)
        self.work: dict[str, QueuePair] = {
            name: self._pair(name, names, visibility=settings.visibility_seconds, receives=settings.max_receives)
            for name in WORK_QUEUES
        }

    def _pair(self, name: str, names: Names, *, visibility: int, receives: int) -> QueuePair:
        dlq = sqs.Queue(
            self,
            f"{name.capitalize()}Dlq",
            queue_name=names.dlq(name),
            retention_period=Duration.seconds(limits.DLQ_RETENTION_SECONDS),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            redrive_allow_policy=letters_of(self, names.queue(name)),
        )
        queue = sqs.Queue(
            self,
            name.capitalize(),
            queue_name=names.queue(name),
            visibility_timeout=Duration.seconds(visibility),
            retention_period=Duration.seconds(limits.WORK_RETENTION_SECONDS),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            dead_letter_queue=sqs.DeadLetterQueue(queue=dlq, max_receive_count=receives),
        )
        return QueuePair(queue=queue, dlq=dlq)
