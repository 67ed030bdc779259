"""The quality report in a few lines of text, for the topic and so for e-mail."""

from collections.abc import Iterator
from urllib.parse import quote

from haulier.contracts.keys import quality_key
from haulier.contracts.quality import Figures, QualityReport
from haulier.jobs.anomalies import percent, size

ANOMALIES_TOLD = 20
"""In the message; the page has all of them."""
_OTHER_CONSOLES = ("cn-", "us-gov-", "us-iso", "eu-isoe-", "eusc-")


def subject(report: QualityReport) -> str:
    """A line of ASCII of at most 100 characters, as SNS wants it."""
    found = len(report.anomalies)
    told = "nothing unusual" if not found else f"{found} anomal{'y' if found == 1 else 'ies'}"
    environment = f" {report.environment}" if report.environment else ""
    return f"Haulier{environment}, {report.day}: {told}"


def message(report: QualityReport, bucket: str, region: str) -> str:
    """What happened, what is unusual, and where the whole report lies.

    Args:
        report: the report.
        bucket: where it lies.
        region: of the bucket; without it there is no link to the console.
    """
    return "\n".join(_lines(report, bucket, region)) + "\n"


def _lines(report: QualityReport, bucket: str, region: str) -> Iterator[str]:
    yield f"Quality report of {report.day} ({report.timezone}), environment {report.environment}"
    yield ""
    yield from _totals(report.totals)
    yield ""
    if not report.anomalies:
        yield "Nothing is unlike the days before."
    for one in report.anomalies[:ANOMALIES_TOLD]:
        yield f"* {one.dataset}: {one.told}."
        yield f"  {one.advice}"
    if len(report.anomalies) > ANOMALIES_TOLD:
        yield f"* and {len(report.anomalies) - ANOMALIES_TOLD} more"
    if report.unreadable_jobs:
        yield f"* {report.unreadable_jobs} job records could not be read and are in no figure"
    yield ""
    yield f"Page: s3://{bucket}/{quality_key(report.day, '.html')}"
    yield f"JSON: s3://{bucket}/{quality_key(report.day)}"
    if region and not region.startswith(_OTHER_CONSOLES):
        key = quote(quality_key(report.day, ".html"), safe="")
        yield f"Console: https://{region}.console.aws.amazon.com/s3/object/{bucket}?region={region}&prefix={key}"
    yield f"Command line: haulier --env {report.environment} quality --day {report.day}"


def _totals(totals: Figures) -> Iterator[str]:
    states = ", ".join(f"{count:,} {state}" for state, count in totals.states.items())
    yield f"Jobs:     {totals.jobs:,} ended{f' ({states})' if states else ''}"
    ratio = f" ({percent(totals.reject_ratio)})" if totals.reject_ratio is not None else ""
    yield f"Records:  {totals.read:,} read, {totals.written:,} written, {totals.rejected:,} rejected{ratio}"
    yield f"Bytes:    {size(totals.input_bytes)} read, {size(totals.output_bytes)} written"
    if totals.failure_ratio:
        yield f"Failures: {percent(totals.failure_ratio)} of the jobs; {_codes(totals.failures)}"


def _codes(codes: dict[str, int]) -> str:
    ranked = sorted(codes.items(), key=lambda entry: (-entry[1], entry[0]))
    return ", ".join(f"{code} {count:,}" for code, count in ranked[:5]) + (", …" if len(ranked) > 5 else "")
