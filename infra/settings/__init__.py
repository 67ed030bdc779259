"""What a deployment may choose. Every setting is an environment variable of the same name with `HAULIER_` before it.

Read in this order: `section` (how settings are read, and what a profile is), `deployment` (environment, profile, what
is protected), `data`, `pipeline`, `api`, `schedules`, `alarms`, `governance`; `wrong` tells what is wrong with them.
"""

from infra.settings.alarms import AlarmSettings
from infra.settings.api import ApiSettings
from infra.settings.data import DataSettings
from infra.settings.deployment import DeploymentSettings
from infra.settings.governance import GovernanceSettings
from infra.settings.pipeline import PipelineSettings
from infra.settings.schedules import ScheduleSettings

__all__ = ["Settings"]

SECONDS_A_DAY = 86400


# Fields are told from the last base to the first.
class Settings(
    GovernanceSettings, AlarmSettings, ScheduleSettings, ApiSettings, PipelineSettings, DataSettings, DeploymentSettings
):
    """Settings of the CDK app; defaults are for production where the profile does not say otherwise."""

    def disagreements(self) -> list[str]:
        """What S3 deletes by age must not be younger than the longest run: S3 counts from when it was written, which is
        after the run began, and rounds up to midnight. And nobody is let in unseen where the profile protects data.
        """
        found = super().disagreements()
        if not self.api_checks_callers and self.profile != "dev":
            found.append("api_checks_callers is off, which only profile dev may have: it is for emulators")
        lasting = {
            "temp_expiry_days": "the run's plan",
            "rejected_expiry_days": "rejects a manifest is about to list",
            "noncurrent_version_days": "the version of the object a run reads",
            "incomplete_upload_days": "an upload that is still being resumed",
        }
        for name, what in lasting.items():
            days = getattr(self, name)
            if 0 < days * SECONDS_A_DAY < self.execution_timeout_seconds:
                found.append(
                    f"{name} ({days}) must not be shorter than execution_timeout_seconds"
                    f" ({self.execution_timeout_seconds}): it would delete {what}"
                )
        return found
