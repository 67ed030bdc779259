"""Lambda functions that turn events into jobs and bring jobs cut into chunks to their end; they move no user's byte.

Read in the order a job passes them: `settings`, `log`, `aws` (the only place that speaks to AWS), `envelopes` (what
arrived), `configs` (one dataset's file), `datasets` (all of them), `admit` (accept or refuse), `drafts` (an arrival
becomes a job), `intake` (handler), `passes` (which chunks a pass of the state machine sends), `plan` (handler),
`assemble` (handler), `notify` (handler), `watchlist` (which jobs the janitor looks at), `cleaning` (what a run that is
over leaves behind), `janitor` (handler).
"""
