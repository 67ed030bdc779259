"""What may happen to a job: one definition of every decision and every conditional write, for all who make them.

The dispatcher (boto3), the worker (aiobotocore) and the client (boto3) run the same procedures. A procedure is a
generator: it yields the `Call`s it wants made and is sent their answers, so it does no I/O, knows no clock (the caller
passes `now_ms`) and can be stopped between any two calls by a test.

Read in this order: `calls` (Call, faults, drive), `attributes` (DynamoDB's typed values), `times`, `items` (job, run,
chunk as the table holds them), `writes` (conditional updates), `identity` (ids of jobs), `datasets`, `peek` (how an
object is read, found from its first bytes, with `compression`, `refused`, `delimited` and `shapes`), `flatten` (nested
objects as fields), `strptime` (what a format would misread), `plain` and `infer` (a schema from a file's beginning),
`ondemand` (what must not be interrupted), `route` (which queue, cut or whole), `planning` (ranges by arithmetic),
`batch` (many objects as one job: its list), `listing` (how the list is read and cut), `members` (the jobs of a batch),
`accept`, `idempotency` (one request, one job), `enqueue`, `claim`, `sketch` and `profile` (what columns hold),
`profiles` (in the table), `lease` (beat, commit, release), `letters`, `prove`, `judge`, `join` (`layout: single`),
`finish` (seal to SUCCEEDED), `executions` (that ended badly), `sweep` (delete what nobody lists), `verdicts` (fail,
cancel, retry), `tally` (how a batch ends), `announce`, `progress` and `newest` (what people are shown), `mend` (what
the janitor does), `stalled` (what nobody moves), `embedded` (how metrics are written), `backoff`, `scaling`, `lookup`
(many items at once) and `bookmark` (where a round stopped), with which `orphans` (what ended jobs left), `reconcile`
(inputs without a job) and `archival` (records that are going to expire) go through bucket and table, `quality` (a day's
figures) and `anomalies` (what is unusual about them).
"""
