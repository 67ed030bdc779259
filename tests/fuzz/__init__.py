"""Everything that reads what strangers wrote, fed with anything: only our own errors may come out.

`targets` is what is fuzzed, `test_seeds` runs it over seeds (and mutations by hypothesis) in `make test`, and
`python -m tests.fuzz` lets atheris search by coverage for as long as you like (`make fuzz`).
"""
