"""The Fargate worker: one message in, one outcome settled.

Read in this order: `__main__` (settings, log, wiring, run, exit code), `memory`, `settings`, `log`, `wiring` (the only
place that knows ports and adapters), `ports`, `clock`, `errors`, `outcome`, `progress`, `checksum`, then the packages:
`runtime` (messages and time), `chunk` (one chunk, start to end), `flow` (moves bytes), `records` (bytes to blocks to
columns to bytes, pure), `aws` (the only place that speaks to AWS).
"""

from worker.memory import keep_polars_memory

keep_polars_memory()
