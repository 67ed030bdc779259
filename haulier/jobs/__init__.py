"""What may happen to a job: one definition of every decision and every conditional write, for all who make them.

The dispatcher (boto3), the worker (aiobotocore) and the client (boto3) run the same procedures. A procedure is a
generator: it yields the `Call`s it wants made and is sent their answers, so it does no I/O, knows no clock (the caller
passes `now_ms`) and can be stopped between any two calls by a test.

Read in this order: `calls` (Call, faults, drive), `attributes` (DynamoDB's typed values), `times`, `items` (job, run,
chunk as the table holds them), `writes` (conditional updates), `identity` (ids of jobs), `datasets`, `peek` (how an
object is read, found from its first bytes, with `compression`, `refused`, `delimited` and `shapes`), `flatten` (nested
objects as fields), `strptime` (what a format would misread), `plain` and `infer` (a schema from a file's beginning),
`ondemand` (what must not be interrupted), `route` (which queue, cut or whole), `planning` (ranges by arithmetic),
`accept`, `enqueue`, `claim`, `sketch` and `profile` (what columns hold), `profiles` (in the table), `lease` (beat,
commit, release), `letters`, `prove`, `judge`, `join` (`layout: single`), `finish` (seal to SUCCEEDED), `sweep` (delete
what nobody lists), `verdicts` (fail, cancel, retry), `announce`, `mend` (what the janitor does), `backoff`, `scaling`.
"""
