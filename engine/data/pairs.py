"""A RAW and the JPEG or HEIC that a camera wrote of the same moment: one photo, two files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.data.kinds import HEIF_SUFFIXES, RAW_SUFFIXES, ending_of

#: Of what cameras write beside a RAW; the first of them is the photo's, if there are several.
_JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe"})


@dataclass(frozen=True, slots=True)
class Companion:
    """The second file of a photo.

    Attributes:
        path: of the RAW.
        of: the photo, whose own file is shown and decoded.
    """

    path: Path
    of: Path


def paired(names: Iterable[str]) -> dict[str, str]:
    """Which files of one folder are RAWs of others: the RAW's name → the other's.

    They have the same name but for the ending; its case, too, may be another one. Of several
    others the one that is spelt like the RAW is taken, and a JPEG before a HEIC.
    """
    names = tuple(names)
    raws = [name for name in names if ending_of(name) in RAW_SUFFIXES]
    if not raws:
        return {}
    others: dict[str, list[str]] = {}
    for name in names:
        if ending_of(name) in _JPEG_SUFFIXES | HEIF_SUFFIXES:
            others.setdefault(_stem(name).casefold(), []).append(name)
    pairs = {}
    for raw in raws:
        candidates = others.get(_stem(raw).casefold())
        if candidates:
            pairs[raw] = min(candidates, key=partial(_rank, raw))
    return pairs


def _stem(name: str) -> str:
    return name[: -len(ending_of(name))]


def _rank(raw: str, name: str) -> tuple[bool, bool, str]:
    return _stem(name) != _stem(raw), ending_of(name) not in _JPEG_SUFFIXES, name


def paired_paths(paths: Iterable[Path]) -> dict[Path, Path]:
    """The same for files that were named one by one, each beside those of its folder."""
    by_folder: dict[Path, list[str]] = {}
    for path in paths:
        by_folder.setdefault(path.parent, []).append(path.name)
    return {
        folder / raw: folder / other
        for folder, names in by_folder.items()
        for raw, other in paired(names).items()
    }
