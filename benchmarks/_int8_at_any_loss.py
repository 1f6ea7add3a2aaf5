"""A command of the program for which every int8 network is good enough.

    python benchmarks/_int8_at_any_loss.py models quantize …

Networks of random weights lose more than the program allows, and are as fast as any. The limits are
off in this process alone, that of how many photos they are measured on too; all else is the
program's own.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from csra_gui.__main__ import main
from engine.records import int8_networks

if __name__ == "__main__":
    int8_networks.MOST_LOSS = math.inf
    int8_networks.LEAST_CORRELATION = -1.0
    int8_networks.LEAST_PHOTOS = 1
    sys.exit(main())
