"""Which columns the output being written has: records of other columns go into an output of their own.

Only the members of a zip can differ. JSON Lines takes all records as they are; a CSV object has one header and a
Parquet object one schema, so a member with other columns (names, their order, their types) begins the next object, and
the manifest lists them in order: nothing is dropped, filled in or renamed to fit. `layout: single` asks for one object
and is refused then.
"""

from collections.abc import Iterator

import pyarrow as pa

from haulier.jobs.claim import Claimed
from worker.chunk.single import headers
from worker.records.block import MemberPlace
from worker.records.errors import DatasetUnusable
from worker.records.output import Encoder
from worker.records.pipeline import BlockProcessor

MAX_FORMS = 500
"""An attempt's report lists its objects, some 300 bytes each, in an item of at most 400 KB (DynamoDB)."""


class Form:
    """Of an attempt's outputs, as its inputs come."""

    def __init__(self, claimed: Claimed) -> None:
        self._claimed = claimed
        self._output = claimed.run.pin.dataset.output
        self._header = b""
        self._schema: pa.Schema | None = None
        self._forms = 0
        self._heads: Iterator[bytes] = headers(claimed, b"")

    def turns(self, processor: BlockProcessor, place: MemberPlace | None) -> bool:
        """Takes the columns of the next input; whether what was written so far must be ended first.

        Raises:
            DatasetUnusable: `columns_differ`.
        """
        header, schema = processor.header, processor.schema
        if (not header and schema is None) or (header == self._header and _equal(schema, self._schema)):
            return False
        first = self._forms == 0
        if not first and self._output.layout == "single":
            raise DatasetUnusable(
                "columns_differ",
                f"member {place.member if place else ''} of {self._claimed.run.pin.source.uri} has other columns than "
                "the members before it, and layout: single makes one object of one set of columns: use layout: chunks, "
                "output JSON Lines, or list the columns in the dataset's schema with extra: drop",
            )
        self._forms += 1
        if self._forms > MAX_FORMS:
            raise DatasetUnusable(
                "columns_differ",
                f"the columns of the members of {self._claimed.run.pin.source.uri} change more than {MAX_FORMS} times, "
                "and each time begins an output object: output JSON Lines, or list the columns in the dataset's schema "
                "with extra: drop",
            )
        self._header, self._schema = header, schema
        self._heads = headers(self._claimed, header)
        return not first

    def encoder(self) -> Encoder:
        """For the next output object."""
        return Encoder(self._output, header=next(self._heads), schema=self._schema)


def _equal(one: pa.Schema | None, other: pa.Schema | None) -> bool:
    return one is other or (one is not None and other is not None and bool(one.equals(other)))
