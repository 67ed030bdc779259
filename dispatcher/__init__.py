"""Lambda functions that turn events into jobs and bring jobs cut into chunks to their end; they move no user's byte.

Read in the order a job passes them: `settings`, `log`, `metrics`, `aws` (the only place that speaks to AWS),
`envelopes` (what arrived), `configs` (one dataset's file), `datasets` (all of them), `admit` (accept or refuse),
`drafts` (an arrival becomes a job), `intake` (handler), `api` (handler) with `api_requests` (what it changes),
`api_views` (what it shows) and `api_answers` (how it says it), `passes` (which chunks a pass of the state machine
sends), `plan` (handler), `assemble` (handler), `membership` (what a batch does to its members), `batch` (handler),
`notify` (handler), `watchlist` (which jobs the janitor looks at), `cleaning` (what a run that is over leaves behind),
`janitor` (handler), `cleanup`, `reconcile` and `archive` (handlers: each goes through something long, page by page),
`quality` (handler) with `report_page`, `report_marks`, `report_style` (the report as HTML) and `report_text` (as a
message).
"""
