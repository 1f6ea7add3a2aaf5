"""What the commands share."""

from __future__ import annotations

import argparse
import sys

EXIT_DONE, EXIT_ENGINE_ERROR, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130

Commands = argparse._SubParsersAction  # argparse has no public name for it


def say(text: str) -> None:
    """Tell the person something, beside the results."""
    sys.stderr.write(text + "\n")
