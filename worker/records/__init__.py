"""Bytes → blocks → columns → bytes. Pure: no event loop, no AWS, no clock.

Read in this order. Bytes: `expansion` (bounds against bombs), `streams` (one compressed stream of each kind),
`decompress` (gzip, zstd, bz2, xz), `zip_names`, `zip_directory` and `zip_member` (zip), `transcode` (UTF-16). Blocks:
`block` (what passes between the stages), `spans` (lines and quotes in columns), `scan` (line starts), `guess` (where
a chunk begins), `cut_lines`, `structure`, `json_values` and `json_whole` (JSON records, one and many at once),
`cut_json`, `cutting` (which cutter, fed from where). Columns: `parsed` (a block's records and their places),
`csv_repair`, `csv_encoding`, `csv_block`, `csv_exact` (the plain definition), `json_text`, `json_flatten`,
`json_splice` (records nobody looks into), `json_columns` and `json_block`, `reader` (which one), `exact` and `cast`
(types), `validate`, `expression` and `transform`, `profile`, `enrich`. Bytes again: `json_lines`, `encode`,
`rejects`, `output`. All together: `pipeline`; `errors`.

An attempt uses it so:

    processor = BlockProcessor(reading=reading, dataset=dataset, facts=Facts(job_id, source, accepted_at_ms))
    encoder = Encoder(dataset.output, header=processor.header, schema=processor.schema)
    cutter = cutter_for(reading, start=start, end=end, given=given, max_record_bytes=processor.max_record_bytes)
    # feed the bytes from read_from(reading, start=start, given=given) on, through a Decompressor if compressed,
    # until cutter.done; finish() at the object's end
    for block in cutter.feed(data):
        processed = processor.process(block)        # on any thread
        encoder.feed(processed)                     # in the order of the blocks
"""

from worker.records.block import Block, Cutter, Processed, Tally
from worker.records.cutting import cutter_for, read_from
from worker.records.decompress import Decompressor
from worker.records.enrich import Facts
from worker.records.errors import DatasetUnusable, InputBroken, RecordsError
from worker.records.output import Encoder
from worker.records.pipeline import BlockProcessor

__all__ = [
    "Block",
    "BlockProcessor",
    "Cutter",
    "DatasetUnusable",
    "Decompressor",
    "Encoder",
    "Facts",
    "InputBroken",
    "Processed",
    "RecordsError",
    "Tally",
    "cutter_for",
    "read_from",
]
