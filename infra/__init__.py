"""The CDK app: what is deployed, one construct a file, in the order the data passes.

Read in this order: `app` (settings → stacks → tags → synth), `settings`, `stacks` (wiring only), then `storage` (two
buckets), `table` (jobs), `events` (bus and rules into the intake queue), `queues` (intake, work, their dead letters),
`bundle` (what the functions' zip holds), `statements` (IAM statements, by hand), `functions` (the Lambdas and what each
may do), `sources` (what invokes them: the intake queue, the table's stream), `retention` (how long
logs are kept), `workflow` (the state machine: states as
plain dicts), `machine` (the state machine: role, log, tracing), `roles` (what a worker may do), `notifications` (topics
and the results queue), `schedules` (the janitor's minute), `outputs` (what a person wants to know after a deployment).
"""
