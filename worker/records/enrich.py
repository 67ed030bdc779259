"""The columns Haulier adds. A field of the same name gives way."""

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from haulier.contracts.dataset import Enrichment
from worker.records.block import MemberPlace
from worker.records.parsed import RAW, without


@dataclass(frozen=True, slots=True)
class Facts:
    """What the enrichment says about a run.

    Attributes:
        job_id: the job.
        source: the object, `s3://bucket/key`, or a zip's member, `s3://bucket/key!/name`.
        accepted_at_ms: when the run was accepted, milliseconds since the epoch: not when a record is processed, so
            that a redo gives the same bytes.
        place: which member of a zip it is, if it is one.
    """

    job_id: str
    source: str
    accepted_at_ms: int
    place: MemberPlace | None = None


def constants(enrich: tuple[Enrichment, ...], facts: Facts) -> dict[str, str]:
    """The values that are the same for all records of a run, in the order configured, `_record_offset` left out."""
    moment = datetime.fromtimestamp(facts.accepted_at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    values = {
        "_processed_at": f"{moment}.{facts.accepted_at_ms % 1000:03d}Z",
        "_source_file": facts.source,
        "_job_id": facts.job_id,
    }
    return {name: values[name] for name in enrich if name in values}


def enriched(
    frame: pl.DataFrame, enrich: tuple[Enrichment, ...], fixed: dict[str, str], offsets: pl.Series | None
) -> pl.DataFrame:
    """The frame with the columns asked for, in the order configured, after all others.

    Args:
        frame: the records.
        enrich: names asked for.
        fixed: what `constants` gave.
        offsets: (rows,) Int64, absolute offsets of the records, where asked for.
    """
    if not enrich:
        return frame
    added: list[pl.Expr | pl.Series] = []
    for name in enrich:
        if name in fixed:
            added.append(pl.lit(fixed[name], dtype=pl.String).alias(name))
        elif offsets is not None:
            added.append(offsets.alias(name))
    return without(frame, [*enrich, *(RAW + name for name in enrich)]).with_columns(added)
