"""How the world is told: topics for people, and a FIFO queue of results for programs."""

from collections.abc import Iterable

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from haulier.contracts import limits
from haulier.contracts.names import Names
from infra.queues import letters_of
from infra.settings import Settings
from infra.trust import arn

RESULTS_VISIBILITY_SECONDS = 900
RESULTS_MAX_RECEIVES = 5
RESULTS_RETENTION_SECONDS = 7 * 86400


class Notifications(Construct):
    """Topics and results queue.

    Attributes:
        completed: a message for every job that ended well.
        failed: a message for every job that did not.
        quality: the daily report on the records of yesterday's jobs.
        alerts: alarms, and executions that ended badly.
        results: every final state, in order within a job.
        results_dlq: results nobody could use.
        key: the customer's own key of the topics; None where AWS's encrypt.
    """

    def __init__(self, scope: Construct, *, names: Names, settings: Settings) -> None:
        super().__init__(scope, "Notifications")
        own = settings.topics_kms_key_arn
        self.key = kms.Key.from_key_arn(self, "Key", own) if own else None
        # Only our functions publish there, and for principals of the account `aws/sns` needs no more rights.
        of_aws = kms.Alias.from_alias_name(self, "KeyOfAws", "alias/aws/sns")
        of_jobs = self.key or of_aws
        self.completed = self._topic("Completed", names.topic("completed"), settings.completed_emails, of_jobs)
        self.failed = self._topic("Failed", names.topic("failed"), settings.failed_emails, of_jobs)
        self.quality = self._topic("Quality", names.topic("quality"), settings.quality_emails, of_jobs)
        # Services publish there, and no policy lets a service use `aws/sns`: encrypted so, every alert would be lost.
        self.alerts = self._topic("Alerts", names.topic("alerts"), settings.alert_emails, self.key)
        self.alerts.add_to_resource_policy(_alarms_may_publish(self.alerts, names))
        self.results_dlq = self._fifo(
            "ResultsDlq",
            f"{names.dlq('results')}.fifo",
            limits.DLQ_RETENTION_SECONDS,
            allow=letters_of(self, names.results_queue),
        )
        self.results = self._fifo(
            "Results",
            names.results_queue,
            RESULTS_RETENTION_SECONDS,
            dlq=sqs.DeadLetterQueue(queue=self.results_dlq, max_receive_count=RESULTS_MAX_RECEIVES),
        )

    def _topic(self, name: str, physical: str, emails: Iterable[str], key: kms.IKey | None) -> sns.Topic:
        topic = sns.Topic(self, name, topic_name=physical, master_key=key, enforce_ssl=True)
        for email in emails:
            sns.Subscription(
                topic, f"Email-{email}", topic=topic, protocol=sns.SubscriptionProtocol.EMAIL, endpoint=email
            )
        return topic

    def _fifo(
        self,
        name: str,
        physical: str,
        retention: int,
        *,
        dlq: sqs.DeadLetterQueue | None = None,
        allow: sqs.RedriveAllowPolicy | None = None,
    ) -> sqs.Queue:
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
            redrive_allow_policy=allow,
        )


def _alarms_may_publish(topic: sns.Topic, names: Names) -> iam.PolicyStatement:
    """The environment's own alarms (CloudWatch User Guide, "Notifying users on alarm changes")."""
    return iam.PolicyStatement(
        sid="Alarms",
        principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
        actions=["sns:Publish"],
        resources=[topic.topic_arn],
        conditions={
            "ArnLike": {"aws:SourceArn": arn("cloudwatch", f"alarm:{names.prefix}-*")},
            "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
        },
    )
