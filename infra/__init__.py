"""The CDK app: what is deployed, one construct a file, in the order the data passes.

Read in this order: `app` (settings → stacks → tags → synth), `settings`, `stacks` (wiring only), `governance` (tags,
boundary and path of every role), `deploy_role` (what a repository's workflows deploy with), then `storage` (the
buckets), `lifecycle` (what S3 does by age), `access_logs`, `encryption` (a key of one's own), `brought` (what owners of
brought buckets and keys apply), `table` (jobs), `events` (bus and rules into the intake queue), `delivery` (how rules
deliver), `queues` (intake, work, their dead letters), `bundle` (what the functions' zip holds), `trust` (who may take a
role), `statements` (IAM statements, by hand), `function` (one Lambda), `functions` (the Lambdas and what each may do),
`sources` (what invokes them: the intake queue, the table's stream), `retention` (how long logs are kept), `workflow`
(the state machine: states as plain dicts), `machine` (the state machine: role, log, tracing), `batch_workflow` and
`batch` (the same for batches, with their function), `executions` (those that end badly), `roles` (what a worker may
do), `notifications` (topics and the results queue), `deadletters` (where invocations go that failed), `schedules` (what
runs by the clock), `scheduled` (its functions: clean-up, reconcile, archive), `quality` (the daily report), `api` (the
HTTP API) and `api_logs`, `outputs` (what a person wants to know after a deployment). Then what watches all of it:
`inventory` (what a stack has), `alarm` (what one is), `alarms` (which there are), `placement` (tasks that ECS could not
place), `dashboard`, `nag` (what cdk-nag finds and we mean).
"""
