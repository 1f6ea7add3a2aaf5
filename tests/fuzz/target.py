"""What a target of the search is, and the oracle that all of them share."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.api.errors import EngineError
from engine.texts import display_text

#: What one input may take, in seconds of the processor.
MOST_SECONDS = 2.0
#: What all of the process may take, with the code that watches it, in MiB.
MOST_MEMORY = 500
#: Of what is said to a person; names of files are cut or left out beyond that.
_MOST_WORDS = 4000


class BrokenPromiseError(Exception):
    """A target came back in a way that nobody documents."""


@dataclass(frozen=True)
class Target:
    """Something that reads what a stranger wrote.

    Attributes:
        run: is given bytes and a folder of its own, in which it may write the same files each time.
        refuses: what it documents to raise; anything else is a finding.
        seeds: good inputs to start from.
        words: that inputs of its format are made of.
    """

    run: Callable[[bytes, Path], object]
    refuses: tuple[type[Exception], ...]
    seeds: Callable[[], Sequence[bytes]]
    words: Sequence[str] = ()


def attempt(target: Target, data: bytes, folder: Path) -> float:
    """Give a target an input.

    Returns:
        Seconds of the processor that it took.

    Raises:
        BrokenPromiseError: what it refuses with is no sentence for a person.
        Exception: whatever the target raises beside what it documents.
    """
    begun = time.process_time()
    try:
        target.run(data, folder)
    except target.refuses as error:
        if isinstance(error, EngineError):
            check_words(str(error))
    return time.process_time() - begun


def check_words(text: str) -> None:
    """Text for a person is one line that hides nothing, and can be read to its end."""
    if not text.strip() or len(text) > _MOST_WORDS:
        raise BrokenPromiseError(f"said in {len(text)} characters: {text[:100]!r}")
    if display_text(text) != text:
        raise BrokenPromiseError(f"said with characters that hide or break it: {text[:300]!r}")


def promise(is_kept: bool, what: str) -> None:
    """What must be so whatever the input was; not ``assert``, which optimising leaves out."""
    if not is_kept:
        raise BrokenPromiseError(what)


def variant(data: bytes, count: int) -> tuple[int, bytes]:
    """Which of some ways the rest of an input is taken: its first byte says so, "0" the first."""
    first = data[0] if data else ord("0")
    return (first - ord("0")) % count, data[1:]
