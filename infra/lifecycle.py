"""What S3 does by age: one list of rules for each bucket, for those the stack makes and for those that are brought."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_s3 as s3

from haulier.contracts.keys import (
    ARCHIVE_PREFIX,
    FAILED_PREFIX,
    KEYS_LISTS_PREFIX,
    PROCESSED_PREFIX,
    REJECTED_PREFIX,
    REPORTS_PREFIX,
    TEMP_PREFIX,
)
from infra.settings import Settings

INFREQUENT = "STANDARD_IA"
INSTANT = "GLACIER_IR"
_CLASSES = {INFREQUENT: s3.StorageClass.INFREQUENT_ACCESS, INSTANT: s3.StorageClass.GLACIER_INSTANT_RETRIEVAL}


@dataclass(frozen=True)
class Rule:
    """One lifecycle rule. Days are counted from when an object was written; 0 or nothing means never.

    Attributes:
        name: unique in its bucket.
        prefix: of the keys it is for; all of them if empty.
        moves: storage class and days. S3 leaves objects below 128 KiB where they are.
        expires: days until an object is deleted; as the buckets keep versions, it becomes a noncurrent one.
        forgets: days until a noncurrent version is gone for good; what marks a deletion goes with the last one.
        aborts: days until an upload nobody completed is aborted.
    """

    name: str
    prefix: str = ""
    moves: tuple[tuple[str, int], ...] = ()
    expires: int = 0
    forgets: int = 0
    aborts: int = 0

    @property
    def does_something(self) -> bool:
        return bool(self.moves or self.expires or self.forgets or self.aborts)


def of_every_bucket(settings: Settings) -> list[Rule]:
    return _wanted(
        [
            Rule("unfinished-uploads", aborts=settings.incomplete_upload_days),
            Rule("old-versions", forgets=settings.noncurrent_version_days),
        ]
    )


def of_input(settings: Settings) -> list[Rule]:
    """For the input prefixes, and for the lists of keys that clients put beside them. Datasets lie in the same bucket
    and never expire.
    """
    inputs = [
        Rule(f"input-{number}", prefix=prefix, expires=settings.input_expiry_days)
        for number, prefix in enumerate(settings.input_prefixes)
    ]
    # In one bucket, what is under temp/ has a rule already.
    lists = [] if settings.one_bucket else [Rule("lists", KEYS_LISTS_PREFIX, expires=settings.temp_expiry_days)]
    return _wanted([*inputs, *lists])


def of_output(settings: Settings) -> list[Rule]:
    moves = ((INFREQUENT, settings.processed_infrequent_days), (INSTANT, settings.processed_glacier_days))
    return _wanted(
        [
            Rule("processed", prefix=PROCESSED_PREFIX, moves=tuple(move for move in moves if move[1])),
            Rule("rejected", prefix=REJECTED_PREFIX, expires=settings.rejected_expiry_days),
            Rule("failed", prefix=FAILED_PREFIX, expires=settings.failed_expiry_days),
            Rule("plans", prefix=TEMP_PREFIX, expires=settings.temp_expiry_days),
            Rule("archive", prefix=ARCHIVE_PREFIX, expires=settings.archive_expiry_days),
            Rule("reports", prefix=REPORTS_PREFIX, expires=settings.reports_expiry_days),
        ]
    )


def of_access_logs(settings: Settings) -> list[Rule]:
    return _wanted([Rule("access-logs", expires=settings.access_log_days)])


def in_cdk(rule: Rule) -> s3.LifecycleRule:
    """The rule as CDK takes it."""
    return s3.LifecycleRule(
        id=rule.name,
        prefix=rule.prefix or None,
        transitions=[
            s3.Transition(storage_class=_CLASSES[kind], transition_after=Duration.days(days))
            for kind, days in rule.moves
        ]
        or None,
        expiration=_days(rule.expires),
        noncurrent_version_expiration=_days(rule.forgets),
        expired_object_delete_marker=True if rule.forgets else None,
        abort_incomplete_multipart_upload_after=_days(rule.aborts),
    )


def in_s3(rule: Rule) -> dict[str, Any]:
    """The rule as `aws s3api put-bucket-lifecycle-configuration` takes it."""
    found: dict[str, Any] = {"ID": rule.name, "Status": "Enabled", "Filter": {"Prefix": rule.prefix}}
    if rule.moves:
        found["Transitions"] = [{"StorageClass": kind, "Days": days} for kind, days in rule.moves]
    if rule.expires:
        found["Expiration"] = {"Days": rule.expires}
    if rule.forgets:
        found["NoncurrentVersionExpiration"] = {"NoncurrentDays": rule.forgets}
        found["Expiration"] = {"ExpiredObjectDeleteMarker": True}
    if rule.aborts:
        found["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": rule.aborts}
    return found


def _wanted(rules: Iterable[Rule]) -> list[Rule]:
    return [rule for rule in rules if rule.does_something]


def _days(number: int) -> Duration | None:
    return Duration.days(number) if number else None
