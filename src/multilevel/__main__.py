"""``python -m multilevel`` is the command ``multilevel``."""

import sys

from multilevel.cli import main

if __name__ == "__main__":
    sys.exit(main())
