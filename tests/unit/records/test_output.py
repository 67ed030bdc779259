"""What goes into one output object: row groups of a size that readers can use and memory can hold."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from haulier.contracts.dataset import Output
from worker.records import output
from worker.records.block import Processed, Tally
from worker.records.output import Encoder

SCHEMA = pa.schema([("number", pa.int64())])


def written(tables: list[pa.Table]) -> pq.ParquetFile:
    encoder = Encoder(Output(format="parquet"), schema=SCHEMA)
    data = b"".join([*(encoder.feed(Processed(table, b"", Tally())) for table in tables), encoder.finish()])
    return pq.ParquetFile(io.BytesIO(data))


def table(*numbers: int) -> pa.Table:
    return pa.table({"number": list(numbers)}, schema=SCHEMA)


def test_blocks_share_a_row_group_when_they_are_small():
    file = written([table(1, 2), table(), table(3)])
    assert file.metadata.num_row_groups == 1
    assert file.read()["number"].to_pylist() == [1, 2, 3]
    statistics = file.metadata.row_group(0).column(0).statistics
    assert (statistics.min, statistics.max, statistics.null_count) == (1, 3, 0)


@pytest.mark.parametrize(("name", "most"), [("ROW_GROUP_ROWS", 2), ("ROW_GROUP_BYTES", 16)])
def test_a_row_group_ends_with_a_block_when_it_is_full(monkeypatch, name, most):
    monkeypatch.setattr(output, name, most)
    file = written([table(1), table(2, 3), table(4), table(5), table(6)])
    rows = [file.metadata.row_group(at).num_rows for at in range(file.metadata.num_row_groups)]
    assert rows == [3, 2, 1]
    assert file.read()["number"].to_pylist() == [1, 2, 3, 4, 5, 6]


def test_a_file_without_rows_is_valid_when_nothing_was_written():
    assert written([table()]).read().num_rows == 0
