"""Rights that are proven: the templates' policies, judged against recorded calls and against what AWS's services do.

Read in this order: `policy` (how IAM decides), `template` (references filled in), `roles`, `needs` (what services do
under them), `doors` (policies of resources), `record` (calls that were made; `haulier.local.recording` writes it),
`usage` (the judgement), `explained` and `wildcards` (the tables of reasons), `page` (docs/permissions.md).
"""
