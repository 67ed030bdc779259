"""`python -m bench`; see `options`."""

import sys

from bench.options import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
