"""Links in the folder of a data set: where they lead, and what they call its pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def count_links_out(root: Path) -> int:
    """How many links below a folder lead out of the folder that they lie in; none is followed.

    Where this finds none, ``load_dataset`` refuses none.

    Args:
        root: of a data set; a file, or nothing at all, has none.
    """
    return sum(
        _leads_out(Path(folder), name)
        for folder, folders, files in os.walk(root)
        for name in (*folders, *files)
    )


def other_names(folder: Path, names: Iterable[str]) -> list[tuple[str, str]]:
    """What links call pictures that were found under another name.

    Args:
        folder: below which they lie; links in it may lead to pictures and to folders.
        names: by which each picture was found, once.

    Returns:
        The name by which a picture was found, and another one, for each of its other ones.
    """
    links = [
        Path(place, name)
        for place, folders, files in os.walk(folder)
        for name in (*folders, *files)
        if os.path.islink(os.path.join(place, name))  # noqa: PTH114, PTH118 - of very many
    ]
    if not links:
        return []
    found = {os.path.realpath(folder / name): name for name in names}
    others = []
    for link in links:
        real, shown = os.path.realpath(link), link.relative_to(folder).as_posix()
        if real in found:
            others.append((found[real], shown))
        elif link.is_dir():
            top = os.path.join(real, "")  # noqa: PTH118 - adds the separator
            inside = [place for place in found if place.startswith(top)]
            others += [
                (found[p], f"{shown}/{Path(p).relative_to(real).as_posix()}") for p in inside
            ]
    return [(name, other) for name, other in others if name != other]


def _leads_out(folder: Path, name: str) -> bool:
    link = folder / name
    if not link.is_symlink():
        return False
    return not Path(os.path.realpath(link)).is_relative_to(os.path.realpath(folder))
