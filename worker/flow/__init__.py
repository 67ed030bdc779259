"""Moves bytes and understands none of them: source to blocks to output objects, each stage bounded.

Read in this order: `budget` (bytes that may be in flight), `ranges` (is an answer what was asked for), `fetch` (ranged
GETs in a window, in order), `forward` (on by offsets), `front` (decompress and cut), `threads`, `upload` (one object,
multipart when it is large), `outputs` (an attempt's objects, one after another), `parts` (of which pieces an upload's
parts are made), `join` (objects into one, copied by S3), `pump` (all stages of one chunk).
"""
