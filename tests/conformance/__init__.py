"""Public collections of hostile CSV and JSON through the whole record path; `data/README.md` says where from."""
