"""Buckets, table, encryption, lifecycle."""

from pydantic import Field

from haulier.jobs.anomalies import LOOKBACK_DAYS
from infra.settings.section import Section, by_profile

BUCKET_PATTERN = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
KEY_PATTERN = r"^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$"
OFF = "; 0: never"


class DataSettings(Section):
    """Buckets, table, encryption, lifecycle."""

    one_bucket: bool = Field(
        default=False, description="one bucket for input and output, kept apart by their prefixes, instead of two"
    )
    input_bucket_name: str | None = Field(
        default=None,
        pattern=BUCKET_PATTERN,
        description="your own input bucket, instead of one the stack makes; `python -m scripts.brought` prints what its"
        " owner must apply. With `one_bucket`: your own bucket for both",
    )
    output_bucket_name: str | None = Field(
        default=None, pattern=BUCKET_PATTERN, description="your own output bucket, instead of one the stack makes"
    )
    bucket_owner: str | None = Field(
        default=None,
        pattern=r"^\d{12}$",
        description="account that owns both of your own buckets, if it is not the stack's; every call to S3 names it",
    )
    kms_key_arn: str | None = Field(
        default=None,
        pattern=KEY_PATTERN,
        description="your own KMS key for buckets and table; without one S3's own and `aws/dynamodb` encrypt them",
    )
    access_logs: bool = by_profile(
        prod=True, dev=False, description="S3's server access logs of the buckets the stack makes, in one of their own"
    )
    access_log_days: int = Field(default=90, ge=0, description=f"after so many days they are deleted{OFF}")

    processed_infrequent_days: int = by_profile(
        prod=30,
        dev=0,
        ge=0,
        description="after so many days `processed/` moves to Infrequent Access (least charge 30 days, a fee a GB read)"
        + OFF,
    )
    processed_glacier_days: int = by_profile(
        prod=90,
        dev=0,
        ge=0,
        description="after so many days `processed/` moves to Glacier Instant Retrieval (least charge 90 days, a higher"
        f" fee a GB read){OFF}",
    )
    input_expiry_days: int = Field(
        default=0,
        ge=0,
        description="after so many days what lies under the input prefixes is deleted, and its jobs cannot be run again"
        + OFF,
    )
    rejected_expiry_days: int = Field(
        default=90, ge=0, description=f"after so many days `rejected/` is deleted, which holds raw rows{OFF}"
    )
    failed_expiry_days: int = Field(default=90, ge=0, description=f"after so many days `failed/` is deleted{OFF}")
    temp_expiry_days: int = Field(default=30, ge=0, description=f"after so many days `temp/` (plans) is deleted{OFF}")
    archive_expiry_days: int = Field(
        default=0, ge=0, description=f"after so many days `archive/` (records of old jobs) is deleted{OFF}"
    )
    reports_expiry_days: int = Field(
        default=0, ge=0, description=f"after so many days `reports/` (of quality, a few KB a day) is deleted{OFF}"
    )
    noncurrent_version_days: int = Field(
        default=30,
        ge=0,
        description="how long what was deleted or overwritten can be brought back, in days; 0: for ever",
    )
    incomplete_upload_days: int = Field(
        default=30, ge=0, description=f"after so many days an upload nobody completed is aborted{OFF}"
    )

    def disagreements(self) -> list[str]:
        found = super().disagreements()
        if self.one_bucket and self.output_bucket_name not in (None, self.input_bucket_name):
            found.append("with one_bucket, input_bucket_name names your bucket for both: leave output_bucket_name out")
        if not self.one_bucket and self.input_bucket_name and self.input_bucket_name == self.output_bucket_name:
            found.append("input_bucket_name and output_bucket_name are the same: say so with one_bucket")
        both = self.input_bucket_name and (self.one_bucket or self.output_bucket_name)
        if self.bucket_owner and not both:
            found.append("bucket_owner is the owner of your own buckets, both of them: name both")
        # A report is compared with those of the two weeks before its day.
        if 0 < self.reports_expiry_days <= LOOKBACK_DAYS + 1:
            found.append(f"reports_expiry_days must be more than {LOOKBACK_DAYS + 1}, or 0: later reports look back")
        # S3 takes no transition to Infrequent Access before day 30, and none out of it within 30 days.
        if 0 < self.processed_infrequent_days < 30:
            found.append("processed_infrequent_days must be at least 30, or 0")
        if self.processed_infrequent_days and 0 < self.processed_glacier_days < self.processed_infrequent_days + 30:
            found.append("processed_glacier_days must be at least 30 days after processed_infrequent_days, or 0")
        return found
