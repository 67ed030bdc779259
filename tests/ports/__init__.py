"""One suite for the worker's ports: what the fakes of `tests/fakes` promise, servers keep, and the other way round.

Each test runs against the fakes and against the emulator through `worker.aws`. With HAULIER_PORTS_ENDPOINT it also runs
against the server there (LocalStack: docs/local.md says how), or AWS's own, if you name it and have credentials for it.
What a server is known not to enforce is listed in `services.py`, and the test asserts that it is so: a gap that closes
is noticed.
"""
