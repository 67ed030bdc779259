"""How the world is told: two topics, and a FIFO queue of results for programs."""

from aws_cdk import Duration
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from haulier.contracts import limits
from haulier.contracts.names import Names

RESULTS_VISIBILITY_SECONDS = 900
RESULTS_MAX_RECEIVES = 5
RESULTS_RETENTION_SECONDS = 7 * 86400


class Notifications(Construct):
    """Topics and results queue.

    Attributes:
        completed: a message for every job that ended well.
        failed: a message for every job that did not.
        results: every final state, in order within a job.
        results_dlq: results nobody could use.
    """

    def __init__(self, scope: Construct, *, names: Names) -> None:
        super().__init__(scope, "Notifications")
        self.completed = sns.Topic(self, "Completed", topic_name=names.topic("completed"), enforce_ssl=True)
        self.failed = sns.Topic(self, "Failed", topic_name=names.topic("failed"), enforce_ssl=True)
        self.results_dlq = self._fifo("ResultsDlq", f"{names.dlq('results')}.fifo", limits.DLQ_RETENTION_SECONDS, None)
        self.results = self._fifo(
            "Results",
            names.results_queue,
            RESULTS_RETENTION_SECONDS,
            sqs.DeadLetterQueue(queue=self.results_dlq, max_receive_count=RESULTS_MAX_RECEIVES),
        )

    def _fifo(self, name: str, physical: str, retention: int, dlq: sqs.DeadLetterQueue | None) -> sqs.Queue:
        return sqs.Queue(
            self,
            name,
            queue_name=physical,
            fifo=True,
            visibility_timeout=Duration.seconds(RESULTS_VISIBILITY_SECONDS),
            retention_period=Duration.seconds(retention),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            dead_letter_queue=dlq,
        )
