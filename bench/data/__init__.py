"""What is read, and the truth about it. Everything follows from a seed; the generator counts what it damages.

Read in this order: `recipe` (an object made of pieces, some repeated), `orders` (12 columns, quoted newlines, 1 % bad
rows, as CSV and JSON), `lineitem` (16 columns, TPC-H's shape), `flights` (real data), `hostile` (files made to mislead
a chunk's guess), `deflate` (one gzip member of any length from one compressed piece), `shelf` (makes and keeps them).
"""
