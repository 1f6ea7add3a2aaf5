"""Finding the pictures in folders: a walk that streams, in a stable order, each real file once."""

from __future__ import annotations

import math
import os
import re
import stat
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from engine.data.kinds import LeftOut, is_picture, left_out_kind
from engine.data.pairs import Companion, paired, paired_paths
from engine.data.patience import LIMIT_S, Alive, Attempt, Patience

# The first pictures should be there at once; later batches are larger because each costs a signal.
_FIRST_BATCH = 32
# A batch goes out at least this often (s), even an empty one: between two the walk can be closed.
_FLUSH_AFTER = 0.2
# A folder that has not answered after this (s) is waited for when all others are through; so many
# at most, as each keeps a thread.
_HOLD_UP_S = 2.0
_MOST_LATE = 16
_NOT_FOLLOWED = "This link leads out of the folder, so it was not followed."
_DIGITS = re.compile(r"([0-9]+)")
# Folders of machines, not of people: thumbnails of NAS boxes, bins, what Macs put into archives.
_SKIPPED_FOLDERS = frozenset(
    {"@eadir", "#recycle", "$recycle.bin", "system volume information", "__macosx", "lost+found"}
)


@dataclass(frozen=True)
class ScanProblem:
    """Something that a scan could not look at, and why.

    Attributes:
        path: the file or folder.
        message: one plain sentence.
        is_missing: whether that is because nothing is there.
    """

    path: Path
    message: str
    is_missing: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class ScanBatch:
    """The next part of a scan; it may be empty when a walk finds nothing for a while.

    Attributes:
        paths: pictures, in order, each below (or equal to) one of the roots as it was given.
        skipped: what could not be looked at since the last batch.
        left_out: files since the last batch that are of a kind that cannot be opened.
        companions: RAWs since the last batch of which a JPEG or HEIC is among the pictures, of
            this batch or of another.
    """

    paths: tuple[Path, ...]
    skipped: tuple[ScanProblem, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    companions: tuple[Companion, ...] = ()


#: What a scan comes upon.
Finding = Path | ScanProblem | LeftOut | Companion


def scan(
    roots: Sequence[Path | str] | Path | str,
    *,
    recursive: bool = True,
    follow_links: bool = True,
    batch_size: int = 500,
    patience_s: float = LIMIT_S,
    pair_raw: bool = True,
) -> Generator[ScanBatch, None, None]:
    """Walk folders and files in order and yield the pictures as they are found.

    Within a folder come its files in natural order ("2" before "10", upper and lower case alike),
    then its folders, then the folders it links to. A file given by name is always included; a
    walk goes by the ending. Hidden folders are left out. Each real file comes once, however many
    links lead to it, but hard links are files of their own. What cannot be opened because of its
    kind is told too. No file is ever opened, so pipes and devices do no harm. Closing the
    generator cancels the scan, at once.

    A folder that does not answer, as on a server that is away, holds up no other: it comes last,
    or is among the skipped.

    Args:
        roots: files and folders, or one.
        recursive: look into subfolders too.
        follow_links: go also where links lead out of the roots; otherwise those are skipped.
        batch_size: the most paths in one batch, at least 1.
        patience_s: how long a folder may give no sign of life, in seconds.
        pair_raw: a RAW with a JPEG or HEIC of the same name beside it is no picture of its own.

    Raises:
        ValueError: the batch size is below 1. What is wrong on the disk is among the skipped.
    """
    if batch_size < 1:
        raise ValueError(f"The batch size must be at least 1, not {batch_size}.")
    batch = _Batch(min(_FIRST_BATCH, batch_size))
    several = [roots] if isinstance(roots, Path | str) else roots
    places = [Path(root) for root in several]
    with Patience(patience_s) as patience:
        walk = _Walk(places, recursive, patience, follow_links=follow_links, pair_raw=pair_raw)
        for found in walk.run():
            batch.add(found)
            if batch.due:
                yield batch.take()
                batch = _Batch(batch_size)
    if not batch.empty:
        yield batch.take()


class _Batch:
    """Findings that wait to go out together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._paths: list[Path] = []
        self._skipped: list[ScanProblem] = []
        self._left_out: list[LeftOut] = []
        self._companions: list[Companion] = []
        self._deadline = time.monotonic() + _FLUSH_AFTER

    def add(self, found: Finding | None) -> None:
        if isinstance(found, ScanProblem):
            self._skipped.append(found)
        elif isinstance(found, LeftOut):
            self._left_out.append(found)
        elif isinstance(found, Companion):
            self._companions.append(found)
        elif found is not None:
            self._paths.append(found)

    @property
    def empty(self) -> bool:
        return not (self._paths or self._skipped or self._left_out or self._companions)

    @property
    def due(self) -> bool:
        kinds = (self._paths, self._skipped, self._left_out, self._companions)
        fullest = max(len(findings) for findings in kinds)
        return fullest >= self._limit or time.monotonic() >= self._deadline

    def take(self) -> ScanBatch:
        return ScanBatch(
            tuple(self._paths),
            tuple(self._skipped),
            tuple(self._left_out),
            tuple(self._companions),
        )


@dataclass
class _Listing:
    """What lies directly in one folder."""

    files: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    problems: list[ScanProblem] = field(default_factory=list)


@dataclass
class _Found:
    """What looking at one place brought: photos and problems, and the folders to look into next."""

    findings: list[Finding] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


class _Walk:
    """One scan: which folders were walked, and which files came by another way than their own."""

    def __init__(
        self,
        roots: Sequence[Path],
        recursive: bool,
        patience: Patience,
        *,
        follow_links: bool,
        pair_raw: bool,
    ) -> None:
        self._roots = roots
        self._recursive = recursive
        self._follow_links = follow_links
        self._pair_raw = pair_raw
        self._paired_roots = paired_paths(roots) if pair_raw else {}
        self._patience = patience
        # Places that did not answer at once, each with the attempt that goes on.
        self._late: list[tuple[Path, Attempt[_Found]]] = []
        self._tops: list[str] | None = None
        self._walked: set[tuple[int, int]] = set()
        # Real paths of files that a link or the caller named. A file that is listed in its own
        # folder needs no entry: that its folder was walked says it came. So a folder of a million
        # photos costs nothing here.
        self._named: set[str] = set()

    def run(self) -> Generator[Finding | None, None, None]:
        """Everything found below the roots; ``None`` is only a sign of life."""
        for root in self._roots:
            attempt = self._patience.begin(partial(self._look_at_root, root))
            yield from self._below((root, attempt))
        while self._late:
            place, attempt = self._late.pop(0)
            if not (yield from attempt.wait()):
                yield ScanProblem(place, self._patience.sentence())
            else:
                yield from self._below((place, attempt))

    def _below(self, first: tuple[Path, Attempt[_Found]]) -> Generator[Finding | None, None, None]:
        # Linked folders wait until the real ones are through, so that a photo is found where it
        # lies rather than behind a link.
        real, linked = list[Path](), list[Path]()
        place, attempt = first
        while True:
            hold_up_s = _HOLD_UP_S if len(self._late) < _MOST_LATE else math.inf
            if (yield from attempt.wait(hold_up_s)):
                found = attempt.result()
                yield None
                yield from found.findings
                real.extend(place / name for name in reversed(found.folders))
                linked.extend(place / name for name in found.links)
            elif attempt.is_stalled:
                yield ScanProblem(place, self._patience.sentence())
            else:
                self._late.append((place, attempt))
            if not real and not linked:
                return
            place = real.pop() if real else linked.pop(0)
            attempt = self._patience.begin(partial(self._look_into, place))

    def _look_at_root(self, root: Path, alive: Alive) -> _Found:
        try:
            mode = root.stat().st_mode
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            missing = isinstance(error, FileNotFoundError | NotADirectoryError | ValueError)
            return _Found([ScanProblem(root, _sentence(error), missing)])
        if stat.S_ISDIR(mode):
            return self._look_into(root, alive)
        if not stat.S_ISREG(mode):
            return _Found([ScanProblem(root, "This is a pipe, socket or device, not a file.")])
        if not self._is_new(root):
            return _Found()
        other = self._paired_roots.get(root)
        return _Found([Companion(root, other) if other and other.is_file() else root])

    def _look_into(self, folder: Path, alive: Alive) -> _Found:
        """List a folder unless it was walked before."""
        try:
            status = folder.stat()
        except OSError as error:
            return _Found([ScanProblem(folder, _sentence(error))])
        key = (status.st_dev, status.st_ino)
        if key in self._walked:
            return _Found()
        self._walked.add(key)
        listing = _list(folder, alive)
        found = _Found([*listing.problems])
        for path in self._files_in(folder, listing):
            alive()
            if path is not None:
                found.findings.append(path)
        if self._recursive:
            found.folders = _in_order(listing.folders)
            links = [n for n in _in_order(listing.links) if _leads_elsewhere(folder / n)]
            found.links = [n for n in links if self._may_follow(folder / n)]
            refused = (folder / n for n in links if n not in found.links)
            found.findings += [ScanProblem(link, _NOT_FOLLOWED) for link in refused]
        return found

    def _files_in(self, folder: Path, listing: _Listing) -> Generator[Finding | None, None, None]:
        real_folder = os.path.realpath(folder)
        links = set(listing.links)
        pairs = paired(listing.files) if self._pair_raw else {}
        for name in _in_order([*listing.files, *(n for n in links if is_picture(n))]):
            path = folder / name
            if name in links:
                yield self._link(path)
            elif not self._named or f"{real_folder}{os.sep}{name}" not in self._named:
                yield Companion(path, folder / pairs[name]) if name in pairs else path
        for name in sorted(listing.others):
            if not self._named or f"{real_folder}{os.sep}{name}" not in self._named:
                yield LeftOut(folder / name, left_out_kind(name))
        for name in sorted(n for n in links if left_out_kind(n)):
            path = folder / name
            if self._may_follow(path) and path.is_file() and self._is_new(path):
                yield LeftOut(path, left_out_kind(name))

    def _link(self, path: Path) -> Finding | None:
        """A link with a picture's name: the file it leads to, if that is one and is new."""
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            return ScanProblem(path, "The link leads to a file that is not there.")
        except OSError as error:
            return ScanProblem(path, _sentence(error))
        if stat.S_ISDIR(mode):
            return None
        if not stat.S_ISREG(mode):
            return ScanProblem(path, "The link leads to a pipe, socket or device, not to a file.")
        if not self._may_follow(path):
            return ScanProblem(path, _NOT_FOLLOWED)
        return path if self._is_new(path) else None

    def _may_follow(self, link: Path) -> bool:
        if self._follow_links:
            return True
        if self._tops is None:
            self._tops = [os.path.realpath(root) for root in self._roots]
        target = Path(os.path.realpath(link))
        return any(target.is_relative_to(top) for top in self._tops)

    def _is_new(self, path: Path) -> bool:
        """Whether a file that was named or linked has not come yet; remembers it."""
        real = os.path.realpath(path)
        if real in self._named or self._came_with_its_folder(Path(real)):
            return False
        self._named.add(real)
        return True

    def _came_with_its_folder(self, real: Path) -> bool:
        if not is_picture(real.name) and not left_out_kind(real.name):
            return False
        try:
            status = real.parent.stat()
        except OSError:
            return False
        return (status.st_dev, status.st_ino) in self._walked


def _list(folder: Path, alive: Alive) -> _Listing:
    listing = _Listing()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                alive()
                _sort_in(entry, listing)
    except OSError as error:  # also halfway: what was listed before still counts
        listing.problems.append(ScanProblem(folder, _sentence(error)))
    return listing


def _sort_in(entry: os.DirEntry[str], listing: _Listing) -> None:
    name = entry.name
    if entry.is_symlink():
        listing.links.append(name)
    elif entry.is_dir(follow_symlinks=False):
        if not (name.startswith(".") or name.casefold() in _SKIPPED_FOLDERS):
            listing.folders.append(name)
    elif not is_picture(name):
        if left_out_kind(name) and entry.is_file(follow_symlinks=False):
            listing.others.append(name)
    elif entry.is_file(follow_symlinks=False):
        listing.files.append(name)
    else:
        message = "This is a pipe, socket or device, not a file."
        listing.problems.append(ScanProblem(Path(entry.path), message))


def _leads_elsewhere(link: Path) -> bool:
    """Whether a link leads to a folder that does not contain the link itself.

    One that does (".", "..", "/") would turn the scan of a folder into one of the whole disk.
    """
    if link.name.startswith(".") or not link.is_dir():
        return False
    target, here = Path(os.path.realpath(link)), Path(os.path.realpath(link.parent))
    return not here.is_relative_to(target)


def _in_order(names: list[str]) -> list[str]:
    return sorted(names, key=natural_key)


def natural_key(name: str) -> tuple[list[str | int], str]:
    """What to sort names by: "2" before "10", upper and lower case alike."""
    # Splitting at digits makes text and number alternate, so equal places compare equal types.
    parts = _DIGITS.split(name.casefold())
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


def _sentence(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "There is no such file or folder."
    if isinstance(error, PermissionError):
        return "You have no permission to look into it."
    if isinstance(error, OSError) and error.strerror:
        return f"It cannot be read: {error.strerror}."
    return "It has a name that no file can have."
