"""Which sidecars belong to a photo, by names alone; ``engine.metadata`` reads and writes them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from engine.data.kinds import RAW_SUFFIXES

#: ``extension`` is ``name.jpg.xmp``, as darktable and digiKam name it; ``adobe`` is ``name.xmp``.
Style = Literal["extension", "adobe"]

_SUFFIXES = (".xmp", ".XMP")


def sidecar_path(photo: Path, style: Style = "extension") -> Path:
    """Where the sidecar of a photo lies: the one that is there, in whatever case, or a new one."""
    stem = photo.name if style == "extension" else photo.stem
    names = [photo.with_name(stem + suffix) for suffix in _SUFFIXES]
    return next((path for path in names if os.path.lexists(path)), names[0])


def sidecars_of(photo: Path) -> tuple[Path, ...]:
    """The sidecars that belong to a photo, the one that counts more first.

    ``name.jpg.xmp`` counts more than ``name.xmp``, as with darktable and Immich. The latter is not
    that of a JPEG beside which a RAW of the same name lies: there it is the RAW's.
    """
    wanted = dict.fromkeys((sidecar_path(photo), sidecar_path(photo, "adobe")))
    there = [path for path in wanted if _exists(path)]
    own = photo.name + there[-1].suffix if there else ""
    if there and there[-1].name != own and _belongs_to_raw(photo):  # asked late: it asks often
        there.pop()
    return tuple(there)


def _belongs_to_raw(photo: Path) -> bool:
    if photo.suffix.lower() in RAW_SUFFIXES:
        return False
    names = (photo.stem + form for suffix in RAW_SUFFIXES for form in (suffix, suffix.upper()))
    return any(_exists(photo.with_name(name)) for name in names)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long for a file
        return False
