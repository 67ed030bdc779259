"""What crosses a boundary between two parts of Haulier. Imports pydantic and the standard library, nothing of ours.

Read in this order: `limits` (numbers two sides agree on), `states`, `ids`, `keys` (S3 layout), `environment` (names of
variables), `names` (names of AWS resources), `errors`, `model` (how every wire model behaves), `source`, `dataset`,
`events` (what arrives and what the world is told), `messages` (what travels on SQS), `run` (what a run pins), `batch`
(many objects as one job), `profile` (what columns hold), `report` (what an attempt commits), `reject`, `manifest`,
`api` (the HTTP API), `metrics`, `quality` (a day's report).
"""
