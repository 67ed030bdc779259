"""The run is judged here and only here, over proven chunks: does every record have a fate, are the rejects too many?"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from haulier.contracts.events import JobError
from haulier.contracts.reject import Stage
from haulier.jobs.prove import ProvenChunk


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the proven chunks of a run."""

    read: int
    written: int
    rejected: int
    filtered: int
    input_bytes: int
    output_bytes: int
    reject_codes: dict[str, int]
    remarks: tuple[str, ...]
    file_type: str | None

    @property
    def found(self) -> dict[str, int | dict[str, int]]:
        """What the run found in its source, as attributes of the job; true whether it is published or fails."""
        return {
            "read": self.read,
            "rejected": self.rejected,
            "filtered": self.filtered,
            "input_bytes": self.input_bytes,
            "reject_codes": self.reject_codes,
        }


def add_up(chunks: Sequence[ProvenChunk]) -> Totals:
    reports = [chunk.report for chunk in chunks if chunk.report is not None]
    codes: Counter[str] = Counter()
    for report in reports:
        codes.update(report.reject_codes)
    return Totals(
        read=sum(report.read for report in reports),
        written=sum(report.written for report in reports),
        rejected=sum(report.rejected for report in reports),
        filtered=sum(report.filtered for report in reports),
        input_bytes=sum(report.input_bytes for report in reports),
        output_bytes=sum(output.bytes for report in reports for output in report.outputs),
        reject_codes=dict(sorted(codes.items())),
        file_type=next((report.file_type for report in reports if report.file_type), None),
        remarks=tuple(dict.fromkeys(remark for report in reports for remark in report.remarks)),
    )


def judge(chunks: Sequence[ProvenChunk], totals: Totals, max_invalid_ratio: float) -> JobError | None:
    """Why the run fails, or None if it may be sealed.

    Args:
        chunks: the proven chain.
        totals: their sums.
        max_invalid_ratio: the dataset's; rejects over records read.
    """
    for chunk in chunks:
        if chunk.report is not None and not chunk.report.balanced:
            report = chunk.report
            return JobError(
                stage=Stage.SEAL,
                code="unbalanced",
                message=f"chunk {chunk.chunk} read {report.read} records but wrote {report.written}, rejected "
                f"{report.rejected} and filtered {report.filtered}: a fault of Haulier's; nothing was published, "
                "please report it",
            )
    if totals.read and totals.rejected / totals.read > max_invalid_ratio:
        return JobError(
            stage=Stage.SEAL,
            code="too_many_rejects",
            message=f"{totals.rejected} of {totals.read} records were rejected, more than the dataset's "
            f"max_invalid_ratio of {max_invalid_ratio:g} allows; see `haulier rejects` for the reasons",
        )
    return None
