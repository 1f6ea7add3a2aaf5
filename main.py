"""The repository's entry: the window, or a command without one."""

import sys

from csra_gui.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
