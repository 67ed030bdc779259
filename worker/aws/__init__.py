"""The only place that speaks to AWS. Adapters of `worker.ports` over aiobotocore's clients.

Read in this order: `session` (clients, time-outs, retries), `faults` (error code to our error), `perform` (calls of
`haulier.jobs`), `sqs`, `s3_read`, `s3_write`, `tokens`, `protection` (ECS's agent).
"""
