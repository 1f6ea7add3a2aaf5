"""What pictures are called in an export, and links to or copies of them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from engine.interchange.exporting.values import ExportedImage, ExportError, Place
from engine.texts import fold, reason_text

#: Why an image was left out.
NOT_TEXT = "the name or folder of the file is not text in UTF-8"
_FORBIDDEN = '<>:"/\\|?*'
_DEVICES = {"con", "prn", "aux", "nul"} | {f"{n}{i}" for n in ("com", "lpt") for i in range(1, 10)}


def name_of(path: Path, folder: Path) -> str:
    """What a picture is called in a file that lies in a folder: below it, or absolute."""
    try:
        return path.relative_to(folder).as_posix()
    except ValueError:
        return path.as_posix()


def safe_name(name: str) -> str:
    """A name that each system takes as that of a file or folder, for one of a label."""
    safe = "".join("_" if c in _FORBIDDEN or ord(c) < 32 else c for c in name)
    safe = safe.strip().rstrip(".") or "_"
    while len(safe.encode(errors="surrogatepass")) > 120:
        safe = safe[:-1]
    if safe.startswith("."):  # hidden, or the folder above
        safe = f"_{safe}"
    return f"{safe}_" if safe.partition(".")[0].lower() in _DEVICES else safe


class FreeNames:
    """Names that are not taken yet, also where case does not count."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}

    def take(self, name: str) -> str:
        """The name, or with a number after its stem if it is taken."""
        stem, dot, ending = name.rpartition(".")
        stem, ending = (stem, f".{ending}") if dot and stem else (name, "")
        free = name
        while fold(free) in self._next:
            number = self._next[fold(name)] = self._next.get(fold(name), 1) + 1
            free = f"{stem}_{number}{ending}"
        self._next[fold(free)] = 1
        return free


def put_picture(image: ExportedImage, place: Place, inside: str) -> None:
    """Link or copy a picture to a name below the export's folder.

    Raises:
        ExportError: neither can be done there.
    """
    target = place.path / inside
    try:
        if place.options.copies:
            shutil.copy2(image.path, target)
            return
        try:
            target.symlink_to(os.path.abspath(image.path))  # noqa: PTH100 - must not follow links
        except OSError:  # Windows without the right to, or a disk that has none
            os.link(image.path, target)
    except OSError as error:
        what = "copied" if place.options.copies else "linked; choose copies instead"
        reason = reason_text(error)
        raise ExportError(f"{image.path.name} could not be {what}: {reason}.") from error


def json_text(value: object) -> str:
    """JSON on one line in ASCII, whose escapes carry any name."""
    return json.dumps(value, allow_nan=False, separators=(", ", ": "))


def write_categories(place: Place) -> None:
    """The file that lists all categories, in order."""
    text = "".join(f"{name}\n" for name in place.categories)
    (place.path / "categories.txt").write_text(text, encoding="utf-8")
