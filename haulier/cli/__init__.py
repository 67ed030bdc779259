"""The command line: nouns and verbs over `haulier.client`, one command group a file.

Data goes to stdout (a table on a terminal, JSON lines otherwise or with `--json`), talk to stderr; `docs/cli.md` is
generated from it by `make docs`.

Read in this order: `__main__`, `app` (all commands), `exits` (exit codes), `guard` (errors as one line and a hint),
`invocation` (global options and the stack they lead to), `parameters`, `output`, `formats`, `rows` (what is shown, as
values), `render` (as tables), `live` (while jobs run), then the commands: `stack` (up, down), `put`, `watch`, `submit`,
`jobs` (jobs, status), `members` (of a batch), `results` (download, rejects), `logs`, `quality`, `control` (retry,
cancel), `dlq`, `datasets`.
"""
