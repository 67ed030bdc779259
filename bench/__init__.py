"""Measurements, side by side in one run: `python -m bench records`, `compare`, `clean`; see README.md.

Read in this order: `naive` (the usual way, frozen), `data` (what is read, with the truth about it), `endpoint` (an S3
that is not the bottleneck), `server` (it as a child process), `job` (what a way is told, what it answers), `ways`
(naive, Haulier, polars, duckdb), `child` (a way in a process of its own, its memory watched), `figures` (medians,
ratios, tables), `matrix` (which ways over which inputs), `run` (interleaved, checked), `parallel` (chunks, processes),
`emulated` (against the emulator), `readback` (what came out is counted), `guesses` (how often a chunk's guess is
wrong), `profile_share` (what the columns' profile costs; a command of its own), `machine`, `results`, `targets`,
`report` (RESULTS.md), `baselines`, `sections` (all of it in order), `options` (the command line).
"""
