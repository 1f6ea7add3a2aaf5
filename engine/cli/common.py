"""What the commands share."""

from __future__ import annotations

import argparse
import sys

from tqdm import tqdm

EXIT_DONE, EXIT_ENGINE_ERROR, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130

Commands = argparse._SubParsersAction  # argparse has no public name for it

# A bar that is not updated for a while is none of a thread's business.
tqdm.monitor_interval = 0


def write_out(text: str) -> None:
    """Write a line of the result."""
    sys.stdout.write(text + "\n")


def say(text: str) -> None:
    """Tell the person something, beside the results."""
    sys.stderr.write(text + "\n")
