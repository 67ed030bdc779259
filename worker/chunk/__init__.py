"""One claimed chunk, from its first byte to its report.

Read in this order: `source` (how its bytes are read), `archive` (a zip's members), `inputs` (the streams of records it
is made of), `naming` (where its outputs lie), `single` (one object in all), `form` (which columns an output has),
`together` (the inputs' reports as one), `run` (all of it), `join` (what a run's chunks wrote, made one object).
"""
