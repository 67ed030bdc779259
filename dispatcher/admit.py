"""Accept an object or refuse it, and why. Pure. A refusal is a job that is REJECTED, so that its user can see it."""

from collections.abc import Sequence

from haulier.contracts.dataset import Dataset
from haulier.contracts.events import JobError
from haulier.contracts.reject import Stage
from haulier.contracts.source import Source
from haulier.jobs.refused import refused_suffix


def admit(
    source: Source, dataset: Dataset, *, max_object_bytes: int, excluded_suffixes: Sequence[str]
) -> JobError | None:
    """Why the object is refused; None if it is accepted.

    An unknown extension is not refused: content can tell. One that is known not to hold records is, unless the dataset
    says itself what its files are.

    Args:
        source: the object as HEAD tells it.
        dataset: whose it is.
        max_object_bytes: the stack's own limit.
        excluded_suffixes: keys the stack does not process; case does not matter.
    """
    key = source.key
    excluded = next((suffix for suffix in excluded_suffixes if key.lower().endswith(suffix.lower())), None)
    if excluded is not None:
        return refusal("excluded", f"{source.uri}: keys that end in {excluded} are excluded by the stack's settings")
    if source.size == 0:
        return refusal("empty", f"{source.uri} is empty: there is nothing to process; upload it with its content")
    if source.size > max_object_bytes:
        return refusal(
            "too_large",
            f"{source.uri} has {source.size} bytes, more than the stack's limit of {max_object_bytes} "
            "(HAULIER_MAX_OBJECT_BYTES): split it, or raise the limit",
        )
    reason = refused_suffix(key) if dataset.format.type == "auto" else None
    return refusal("unsupported_type", reason) if reason is not None else None


def refusal(code: str, message: str) -> JobError:
    """An error of stage intake."""
    return JobError(stage=Stage.INTAKE, code=code, message=message)
