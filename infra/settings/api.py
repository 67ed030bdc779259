"""The HTTP API."""

from pydantic import Field

from infra.settings.section import Section


class ApiSettings(Section):
    """The HTTP API."""

    api: bool = Field(default=True, description="whether there is an HTTP API")
    api_rate: int = Field(
        default=100, ge=1, le=10_000, description="requests a second the API answers in all; more are told 429"
    )
    api_burst: int = Field(default=200, ge=1, le=5_000, description="requests it answers at once, above its rate")
    api_metrics: bool = Field(
        default=False,
        description="metrics for each method beside those for the whole API; CloudWatch charges for each",
    )
    api_log_role: bool = Field(
        default=True,
        description="makes the role API Gateway writes its logs with and puts it into the account's settings, where it"
        " counts for every REST API of the region; `false` where the account has one already",
    )
    api_checks_callers: bool = Field(
        default=True,
        description="whether requests are refused whose caller API Gateway does not tell; `false` is for an emulator"
        " that checks no signatures and tells no caller (LocalStack): there the access key that a request names counts,"
        " unproven; profile `dev` only",
    )
