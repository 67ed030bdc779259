"""One claimed chunk, from its first byte to its report.

Read in this order: `source` (how its bytes are read), `naming` (where its outputs lie), `run` (all of it).
"""
