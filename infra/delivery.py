"""How rules deliver: the target with its retries and dead letters, and the right to it in the target's own policy.

EventBridge has no role of ours for queues, topics and functions: it is let in by their policies, which name the rule.
By hand and not by CDK's targets, whose statements for a topic name no rule at all.
"""

from aws_cdk import Aws
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

DELIVERY_SECONDS = 24 * 3600
DELIVERY_RETRIES = 185
"""How long and how often EventBridge tries to deliver before an event goes to the dead letters; its own defaults."""
EVENTBRIDGE = "events.amazonaws.com"


def target(
    name: str, target_arn: str, *, dlq: sqs.IQueue, words: events.CfnRule.InputTransformerProperty | None = None
) -> events.CfnRule.TargetProperty:
    """A rule's target.

    Args:
        name: of the target, within its rule.
        target_arn: of queue, topic or function.
        dlq: takes what could not be delivered; the rule must be let in there, too.
        words: what is delivered instead of the event.
    """
    return events.CfnRule.TargetProperty(
        id=name,
        arn=target_arn,
        dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=dlq.queue_arn),
        retry_policy=events.CfnRule.RetryPolicyProperty(
            maximum_event_age_in_seconds=DELIVERY_SECONDS, maximum_retry_attempts=DELIVERY_RETRIES
        ),
        input_transformer=words,
    )


def let_rules_send(queue: sqs.IQueue, *rules: events.CfnRule) -> None:
    """Into the queue's policy.

    The rule's ARN holds the account already. That EventBridge sends the account beside it is written of targets only,
    not of dead-letter queues: if it were asked for and not sent, what could not be delivered would be gone.
    """
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            sid="Rules",
            principals=[iam.ServicePrincipal(EVENTBRIDGE)],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={
                "ArnEquals": {"aws:SourceArn": [rule.attr_arn for rule in rules]},
                "StringEqualsIfExists": {"aws:SourceAccount": Aws.ACCOUNT_ID},
            },
        )
    )


def let_rules_publish(topic: sns.ITopic, *rules: events.CfnRule, sid: str = "Rules") -> None:
    """Into the topic's policy, as a statement of that name: no two of a policy may have the same.

    `IfExists`, since AWS's own example for EventBridge and SNS has no condition, and the guide once said that it sends
    nothing to hold one against: an alert that is lost to a condition is worse than one that nobody here sent.
    """
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid=sid,
            principals=[iam.ServicePrincipal(EVENTBRIDGE)],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={
                "ArnEqualsIfExists": {"aws:SourceArn": [rule.attr_arn for rule in rules]},
                "StringEqualsIfExists": {"aws:SourceAccount": Aws.ACCOUNT_ID},
            },
        )
    )


def let_rule_invoke(function: lambda_.IFunction, rule: events.CfnRule) -> None:
    """Into the function's policy. The rule's ARN holds the account; a `SourceAccount` beside it made EventBridge's
    invocations fail without a word (awsdocs/aws-cloudformation-user-guide#481).
    """
    lambda_.CfnPermission(
        rule,
        "Invokes",
        action="lambda:InvokeFunction",
        function_name=function.function_arn,
        principal=EVENTBRIDGE,
        source_arn=rule.attr_arn,
    )
