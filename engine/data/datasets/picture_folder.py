"""From the names in a data set's own files to pictures, however another program spelled them."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import unquote

from engine.data.datasets.reading import FaultLog
from engine.data.kinds import IMAGE_SUFFIXES
from engine.texts import display_path, display_text

_LINKS_OUT = "Links that lead out of the data set's folder"
_FOLLOW_THEM = "If you trust where they lead, follow them: --follow-links"
_LEADING_OUT = "File names that lead out of the data set's folder"
_SEVERAL = "Names that several pictures may have, which do not count"
_TAKEN = "Names that could only mean the picture of another, which do not count"


@dataclass
class _Listing:
    """One folder: its files (name → whether it is a link), and other ways to spell its names."""

    files: dict[str, bool] = field(default_factory=dict)
    composed: dict[str, str] = field(default_factory=dict)
    folded: dict[str, list[str]] = field(default_factory=dict)
    stems: dict[str, list[str]] = field(default_factory=dict)
    folders: dict[str, list[str]] = field(default_factory=dict)


class PictureFolder:
    """The folder below which a data set's pictures lie; names that lead out of it are refused.

    The folder itself may be a link. Each folder below is listed once, so that a hundred thousand
    pictures are looked up quickly.

    A name that is there means that file and no other. Else it is read as a program elsewhere may
    have written it: with backslashes, in other case, with another picture ending or none, quoted
    as in addresses, or with folders before it that are not here. Of these the longest end of the
    name that is there counts, and only if one picture alone can be meant and no other name means
    it.

    Where the pictures need not be there, a name that leads out of the folder is kept by its end,
    as if it lay below: enough to tell which picture is meant, and no path that leads elsewhere.
    """

    def __init__(
        self, root: Path, *, check_files: bool, log: FaultLog, follow_links: bool = False
    ) -> None:
        """Look at nothing yet.

        Args:
            root: the folder.
            check_files: whether pictures must be there; if not, names are taken as they are, or
                by what stands behind the part that leads out.
            follow_links: take pictures also where links or whole paths lead out of the folder.
            log: is told what is refused or missing.
        """
        self._root = Path(os.path.abspath(root))  # noqa: PTH100 - must not follow links
        self._real = os.path.realpath(root)
        self._check_files = check_files
        self._follow_links = follow_links
        self._log = log
        self._listings: dict[Path, _Listing] = {}
        self._outside: set[Path] = set()

    def find_all(self, names: Iterable[str]) -> dict[str, Path]:
        """The pictures of names that can be told; of the others the log is told why not."""
        return self._find(dict.fromkeys(names), has_endings=True)

    def find_stems(self, stems: Iterable[str]) -> dict[str, Path]:
        """As ``find_all``, for names without an ending; without a look at the files, ``.jpg``."""
        wanted = {f"{stem}.jpg": stem for stem in stems}
        found = self._find(dict.fromkeys(wanted), has_endings=False)
        return {wanted[name]: path for name, path in found.items()}

    def _find(self, wanted: dict[str, None], *, has_endings: bool) -> dict[str, Path]:
        if not self._check_files:
            ends = {name: _inner(name) for name in wanted}
            return {n: self._root / end for n, end in ends.items() if end or self._may_be_used(n)}
        found = {name: path for name in wanted if (path := self._exact(name)) is not None}
        others = [name for name in wanted if name not in found]
        clear = self._find_otherwise(others, found)
        self._tell_of_others(
            clear
            if has_endings
            else {n: path for n, path in clear.items() if PurePosixPath(n).stem != path.stem}
        )
        found.update(clear)
        return {
            name: path
            for name in wanted
            if (path := found.get(name)) is not None and not self._is_refused_link(name, path)
        }

    def _find_otherwise(self, names: Sequence[str], found: dict[str, Path]) -> dict[str, Path]:
        """What names mean that are not there as they are written."""
        guesses: dict[str, Path] = {}
        for name in names:
            choice = self._meant(name)
            if len(choice) > 1:
                self._log.add(_SEVERAL, name)
            elif choice:
                guesses[name] = choice[0]
            elif self._may_be_used(name):
                self._log.add(f"Images missing in {display_path(self._root)}", name)
        claims = [*found.values(), *guesses.values()]
        counts = dict.fromkeys(claims, 0)
        for path in claims:
            counts[path] += 1
        clear = {name: path for name, path in guesses.items() if counts[path] == 1}
        for name in guesses:
            if name not in clear:
                self._log.add(_TAKEN, name)
        return clear

    def _tell_of_others(self, clear: dict[str, Path]) -> None:
        if clear:
            name, path = next(iter(clear.items()))
            self._log.note(
                f"{len(clear)} {'image is' if len(clear) == 1 else 'images are'} named otherwise "
                f"than on the disk, such as {display_text(name)}: {display_path(path)} is meant."
            )

    def _exact(self, name: str) -> Path | None:
        if not _stays_inside(name) and not self._is_followed(name):
            return None
        path = self._root / name
        listing = self._listing(path.parent)
        if path.name in listing.files or path.parent in self._outside:
            return path
        # Accents are one letter or two, and disks and programs differ in which they write.
        spelt = listing.composed.get(unicodedata.normalize("NFC", path.name))
        return None if spelt is None else path.with_name(spelt)

    def _is_followed(self, name: str) -> bool:
        """Whether a whole path may be taken as it is: no safer than a link, and used as one."""
        path = Path(name)
        plain = ".." not in path.parts and path.suffix.lower() in IMAGE_SUFFIXES
        return self._follow_links and plain and "\0" not in name and path.is_absolute()

    def _meant(self, name: str) -> list[Path]:
        """The pictures that a name may mean: those of its longest end that is there."""
        found = (self._by_end(spelling) for spelling in _spellings(name))
        return next((choice for choice in found if choice), [])

    def _by_end(self, name: str) -> list[Path]:
        parts = _parts(name)
        if ".." in parts or "\0" in name:
            return []
        for start in range(len(parts)):
            folders = [self._root]
            for part in parts[start:-1]:
                folders = [inner for folder in folders for inner in self._folders(folder, part)]
            choice = [file for folder in folders for file in self._files(folder, parts[-1])]
            if choice:
                return choice
        return []

    def _folders(self, folder: Path, name: str) -> list[Path]:
        if name in (names := self._listing(folder).folders.get(_fold(name), [])):
            return [folder / name]
        return [folder / other for other in names]

    def _files(self, folder: Path, name: str) -> list[Path]:
        listing = self._listing(folder)
        if name in listing.files:
            return [folder / name]
        names = listing.folded.get(_fold(name), [])
        if not names:
            stem = name.rpartition(".")[0] if _ending(name) in IMAGE_SUFFIXES else name
            names = listing.stems.get(_fold(stem), [])
        return [folder / other for other in names]

    def _may_be_used(self, name: str) -> bool:
        if _stays_inside(name):
            return True
        self._log.add(_LEADING_OUT, repr(name))
        return False

    def _is_refused_link(self, name: str, path: Path) -> bool:
        is_link = self._listing(path.parent).files.get(path.name, False)
        if path.parent in self._outside or (is_link and not self._is_inside(path)):
            self._log.add(_LINKS_OUT, name, _FOLLOW_THEM)
            return True
        if is_link and not path.is_file():
            self._log.add(f"Images missing in {display_path(self._root)}", name)
            return True
        return False

    def _listing(self, folder: Path) -> _Listing:
        if folder not in self._listings:
            listing = self._listings[folder] = _Listing()
            try:
                if not self._is_inside(folder):
                    self._outside.add(folder)
                    return listing
                with os.scandir(folder) as found:
                    for entry in found:
                        self._list(entry, listing)
            except (OSError, ValueError):
                self._listings[folder] = _Listing()
        return self._listings[folder]

    def _list(self, entry: os.DirEntry[str], listing: _Listing) -> None:
        name = entry.name
        if _is_folder(entry):
            listing.folders.setdefault(_fold(name), []).append(name)
            return
        listing.files[name] = entry.is_symlink()
        listing.folded.setdefault(_fold(name), []).append(name)
        if not name.isascii():
            listing.composed[unicodedata.normalize("NFC", name)] = name
        if _ending(name) in IMAGE_SUFFIXES:
            listing.stems.setdefault(_fold(name.rpartition(".")[0]), []).append(name)

    def _is_inside(self, path: Path) -> bool:
        return self._follow_links or Path(os.path.realpath(path)).is_relative_to(self._real)


def _parts(name: str) -> tuple[str, ...]:
    """Folders and file, by slashes and backslashes, without what an absolute name begins with."""
    # Label Studio names local files as /data/local-files/?d=folder/1.jpg.
    windows = PureWindowsPath(name.rpartition("?d=")[2])
    return tuple(windows.parts[1:] if windows.anchor else windows.parts)


def _inner(name: str) -> str:
    """The name, or its end that stays inside; empty if there is none."""
    if _stays_inside(name):
        return name
    parts = _parts(name)
    start = max((place for place, part in enumerate(parts, start=1) if part == ".."), default=0)
    end = "/".join(parts[start:])
    return end if _stays_inside(end) else ""


def _spellings(name: str) -> Iterator[str]:
    """A name, and what it was before a web program made an address of it: ``my%20cat.jpg?v=1``."""
    yield name
    plain = name.strip()
    yield plain
    if "://" in plain:
        plain = plain.partition("://")[2].partition("/")[2]
    if "?d=" not in plain:
        start = plain.partition("?")[0].partition("#")[0]
        # Of "cat#1.jpg" what stands before the mark names no file, least of all cat.jpg.
        plain = start if _ending(start) in IMAGE_SUFFIXES else plain
    yield unquote(plain, errors="surrogateescape")


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False


def _stays_inside(name: str) -> bool:
    # Both kinds of separators, whatever this machine's: the file may come from another.
    windows = PureWindowsPath(name)
    return bool(windows.parts) and not (windows.anchor or ".." in windows.parts or "\0" in name)
