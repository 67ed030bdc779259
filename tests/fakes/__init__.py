"""Twins of the worker's ports with the services' own rules: time is turned by hand, and any call may be the last.

Read in this order: `clock`, `kill` (which call dies), `expressions` (DynamoDB's conditions and updates), `table`,
`objects` (S3), `queue` (SQS), `tokens`, `work`, `world` (all of them, and a worker over them), `machine` (the passes of
a chunked job).
"""
