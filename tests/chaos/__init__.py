"""Chaos: the embedded stack under a seeded schedule of faults, and a verdict over what is left (`make chaos`).

    python -m tests.chaos --seconds 120 --seed 7 --workers 3

The seed gives the schedule: what is put when, who is killed when, which call of which operation goes wrong and how.
What the machine makes of it differs from run to run; what must hold in the end does not.

Read in this order: `cargo` (files whose every record has an id, and what must become of them), `schedule` (what happens
when; pure), `operations` (which AWS call an HTTP request is), `faults` (what may go wrong with it; pure), `proxy` (does
it, between workers and emulator, and writes every call down), `skewed` (a worker whose wall clock is wrong), `pool`
(the worker processes), `stack` (the running stack, with plain boto3), `driver` (plays the schedule), `meddling` (what
a user and an unreliable network do meanwhile), `quiet` (waits until all is over), `evidence` (reads everything that is
left), `verdict` (judges it; pure, and by no code of Haulier's), `report` (the table).
"""
