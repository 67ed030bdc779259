"""Haulier: moves and processes files that are too large, or take too long, for Lambda.

Read in the order a file takes: `contracts` (what crosses a boundary), `jobs` (what may happen to a job, as pure
procedures), then `client`, `cli` and `local`, which are what a user touches.
"""

__version__ = "0.1.0"
