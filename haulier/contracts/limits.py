"""Numbers that two sides must agree on. `tests/unit/contracts/test_limits.py` states the inequalities between them.

Every name carries its unit. A number that has a source in AWS's documentation names the service in its comment.
"""

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB

# Admission and planning
MAX_OBJECT_BYTES = 50 * TIB
"""S3's own ceiling for one object is lower (48.8 TiB); a lower one is a setting of the dispatcher."""
DEFAULT_CHUNK_BYTES = 64 * MIB
DEFAULT_CHUNK_THRESHOLD_BYTES = 128 * MIB
MIN_CHUNK_BYTES = 4 * KIB
"""Small enough that a test can cut a small file anywhere; far too small for use."""
MAX_CHUNKS = 10_000
"""Chunks grow so that a job never has more: bounds the plan, the table and the Distributed Map."""
PEEK_BYTES = 256 * KIB
"""How much of an object the planner reads, once, to find dialect, header and encoding."""
MAX_READING_BYTES = 200 * KIB
"""Of a reading with an inferred schema, as JSON: it lies in the run item beside the dataset (DynamoDB: 400 KB)."""
MAX_DECOMPRESSED_BYTES = MAX_OBJECT_BYTES
"""What an object may expand to in all, where its dataset says nothing: as much as may come uncompressed."""
MAX_EXPANSION = 1000
"""Bytes out for a byte in, where the dataset says nothing: text does not shrink a thousandfold for long. Deflate's own
ceiling is 1,032 (zlib's technical details); zstd, bz2, xz and Deflate64 have ones of 29,000 and more.
"""
EXPANSION_FREE_BYTES = 64 * MIB
"""The ratio counts from here on: a small file of zeroes harms nobody."""
MAX_ZIP_MEMBERS = 10_000
MAX_ZIP_DIRECTORY_BYTES = 4 * MIB
"""A zip's directory is held whole; 10,000 entries with names of 300 bytes fit."""
MAX_RECORD_BYTES = 64 * MIB
"""A longer record is never held: the reader past a chunk's end gives up there and commits `next` as unknown."""
BLOCK_BYTES = 5 * MIB // 2
"""Bytes parsed at once. A block in hand takes some twenty times its size, and there are two and what waits behind them:
a worker on CSV peaks at 395 to 470 MiB with 4 MiB, at 350 to 405 with 3 MiB, at 300 to 320 with 2 MiB. Against 8 MiB,
4 MiB costs 5 to 10 % more CPU and 2 MiB some 20 %."""

# Leases, heartbeat, visibility
LEASE_SECONDS = 90
VISIBILITY_SECONDS = 90
HEARTBEAT_SECONDS = 20
CLOCK_SKEW_SECONDS = 5
"""Added to another's lease before it counts as expired."""
MAX_ATTEMPTS = 5
"""Failures a chunk is allowed; counted in the table, given back by an orderly release."""
MAX_OUTAGES = 50
"""Tries of one chunk that a service's failure may end without being counted; from then on each counts as a failure, so
that an object at which a service always fails ends, too. By then some five hours have passed (jobs.backoff)."""
MAX_RECEIVES = 100
"""SQS maxReceiveCount: only a backstop, since every deployment uses up a receive."""
SQS_VISIBILITY_WALL_SECONDS = 12 * 3600

# Stopping (ECS: stopTimeout is at most 120 s on Fargate)
STOP_TIMEOUT_SECONDS = 120
DRAIN_SECONDS = 80
SETTLE_SECONDS = 15
LONG_POLL_SECONDS = 10

# Work that must not be interrupted (jobs.ondemand)
RELEASES_BEFORE_ONDEMAND = 2
ONDEMAND_AFTER_SECONDS = 3600
ASSUMED_BYTES_PER_SECOND = 20 * MIB
"""What one worker reads of an object that cannot be cut, on the safe side: a seventh of what it parses of plain CSV
(shared measurements, section 3), since compressed bytes become several times as many."""
PROTECTION_SECONDS = 6 * 3600
"""Longest time without a break under ECS task protection; ECS itself ends it after 48 h."""

# Retention
WORK_RETENTION_SECONDS = 7 * 86400
DLQ_RETENTION_SECONDS = 14 * 86400
JOB_TTL_SECONDS = 120 * 86400
"""Longer than the 90 days for which Step Functions keeps an execution's name taken."""
EXECUTION_NAME_DAYS = 90

# Step Functions
TOKEN_HEARTBEAT_SECONDS = 24 * 3600
"""The token's clock starts when the chunk is sent: it must outlast the longest queue wait that is tolerated."""
TOKEN_TIMEOUT_SECONDS = 72 * 3600
MAP_CONCURRENCY = 1000
EXECUTION_NAME_CHARS = 80
CHILD_RESULT_BYTES = 256 * KIB

# Redo of broken links
PARALLEL_ROUNDS = 3
"""Rounds in which every broken link is redone at once; after them spans grow, see jobs.prove."""
MAX_ROUNDS = 40

# Batches (jobs.batch)
GROUP_MEMBERS = 200
"""What one child of the Distributed Map admits; two short groups at a list's end are shared out evenly."""
LEAST_GROUP_MEMBERS = 100
"""No group is smaller where a section has as many, since each costs state transitions; long keys may bring it down."""
GROUP_BYTES = 128 * KIB
"""Of its keys as JSON: a group is a child's input, and Step Functions passes 256 KiB."""
SECTION_MEMBERS = 50_000
SECTION_BYTES = 8 * MIB
"""A section of the list is one object, one item and one run of the Distributed Map."""
MAX_SECTIONS = 500
"""25 million objects. An execution passes all sections before it counts, and each is some twelve of its events."""
BATCH_RETRY_SECONDS = 90 * 86400
"""How old a batch may be that is retried. Its members' records last JOB_TTL_SECONDS, and who succeeded must be known to
have until the next run is over, or would be done again."""
MAX_LISTED_BYTES = 200 * KIB
"""Keys that come in a request: they travel in an event (256 KiB) and lie in an item (400 KB)."""
MAX_KEYS_OBJECT_BYTES = 1 * GIB
COUNT_WAIT_SECONDS = (2, 60)
"""The first wait between two counts, and the longest; each is twice the one before."""
COUNT_ROUNDS = 1500
"""Counts of one execution: each is some ten of the 25,000 events Step Functions keeps. The janitor starts the next."""

# S3
MAX_KEY_BYTES = 1024
MIN_PART_BYTES = 5 * MIB
MAX_PART_BYTES = 64 * MIB
"""An output rolls over to the next object before its parts would grow beyond this."""
MAX_PARTS = 10_000
DEFAULT_PART_BYTES = 8 * MIB

# SQS
MAX_MESSAGE_BYTES = 1 * MIB
RECEIVE_BATCH = 10

# The status index of the job table is write-sharded
INDEX_SHARDS = 4

# Janitor
REQUEUE_AFTER_SECONDS = 900
"""First wait before work that nobody holds is enqueued again; doubles each time, see jobs.mend."""
REQUEUE_CEILING_SECONDS = 6 * 3600
STALLED_AFTER_SECONDS = 6 * 3600
"""An open job of which nothing has moved for that long is told of as stalled; nothing is done to it."""

# What runs by the clock
ORPHAN_AFTER_SECONDS = 30 * 86400
"""Longer than any run takes: what is older and nobody's, nobody will come back for."""
RECONCILE_AFTER_SECONDS = 3600
"""An event that has not become a job by then was lost, or waits in a very long queue; asking again harms nothing."""
RECONCILE_WITHIN_DAYS = 30
RECONCILE_MOST_JOBS = 50_000
ARCHIVE_AFTER_DAYS = 90
"""Leaves 30 days until the records expire (JOB_TTL_SECONDS), for runs that took long and for calls that failed."""
