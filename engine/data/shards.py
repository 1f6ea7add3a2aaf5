"""A stable part of many photos, the same on every machine, without anybody who hands them out.

Which part a photo belongs to depends on where it lies below the folder that was named, and on
nothing else: not on where that folder is mounted, not on what else is in it, not on the order in
which a disk lists it. So photos may come and go while the parts are worked on, by as many machines
as there are, and each that stays is in one part, and in one alone.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from engine.api.errors import ConfigError
from engine.data.kinds import ending_of

_FORM = re.compile(r"([+-]?[0-9]{1,9})/([+-]?[0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Shard:
    """One of the parts.

    Attributes:
        number: which, from 0.
        count: how many there are.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The part that ``K/N`` means.

        Raises:
            ConfigError: it means none.
        """
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise ConfigError(
                f"{text!r} is no shard. Write which and of how many: 0/4 is the first of four."
            )
        number, count = int(found[1]), int(found[2])
        if count < 1:
            raise ConfigError(f"{text!r} is no shard: there must be at least one, as in 0/1.")
        if not 0 <= number < count:
            raise ConfigError(
                f"{text!r} is no shard: they are counted from 0, so of {count} the first is "
                f"0/{count} and the last {count - 1}/{count}."
            )
        return cls(number, count)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def part(self, paths: Iterable[Path], roots: Sequence[Path]) -> Iterator[Path]:
        """Those of the photos that belong to it, in order.

        Args:
            paths: as ``engine.data.scan.scan`` gave them.
            roots: what was scanned; a photo lies below the first of them that it lies below.
        """
        if self.count == 1:
            return iter(paths)
        order = {root.parts: place for place, root in reversed(list(enumerate(roots)))}
        return (path for path in paths if _hash(_key(path, order)) % self.count == self.number)


def _hash(key: str) -> int:
    # Lone surrogates stand for bytes that are no UTF-8, and on Windows for themselves.
    digest = hashlib.blake2b(key.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _key(path: Path, order: Mapping[tuple[str, ...], int]) -> str:
    """Where a photo lies, without the ending: a RAW is where its JPEG is, also if that comes later.

    Disks differ in how they spell an accent and in whether case counts; neither decides.
    """
    parts = path.parts
    above = [length for length in range(len(parts)) if parts[:length] in order]
    # What lies in no folder that was named was named by itself, and goes by its name.
    length = min(above, key=lambda n: order[parts[:n]], default=len(parts) - 1)
    inside = "/".join(parts[length:])
    stem = inside[: len(inside) - len(ending_of(parts[-1]))]
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", stem).casefold())
