"""Looking after the library: which files have vanished, which have moved, what is in each."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.jobs import JobRunner, JobSlot
from csra_gui.session.library_client import LibraryClient
from csra_gui.session.photo_table import PhotoTable
from engine.data.patience import Alive, Patience, patiently
from engine.library.columns import IntArray
from engine.library.images import content_hash
from engine.library.store import Library
from engine.library.values import LibraryImage, Moved
from engine.library.volumes import volumes_present

#: Hashes that are written together; a pause costs at most so many.
_PAGE = 20
_LOWEST_PRIORITY = 19
# A file that is read so long (s) is one on a disk that does not answer.
_HASH_LIMIT_S = 300.0


@dataclass(frozen=True)
class Scanned:
    """What a scan went through.

    Attributes:
        roots: files and folders.
        recursive: whether it looked into subfolders.
        image_ids: (N,) of the images of the library that it came upon.
        out_of_reach: files and folders that it could not look at.
    """

    roots: tuple[Path, ...]
    recursive: bool
    image_ids: IntArray
    out_of_reach: frozenset[Path] = frozenset()

    def reached(self, path: Path) -> bool:
        """Whether the scan could see if this is there."""
        return self.out_of_reach.isdisjoint((path, *path.parents))


def settle_moves(library: Library, scanned: Scanned) -> Generator[tuple[Moved, ...], None, bool]:
    """Note which files have vanished, and find those that only moved, in a worker.

    Only files that look like a known one (same size and time) are read here. A disk that does not
    answer ends it: the next scan goes on.

    Raises:
        LibraryError: the file or the disk fails.
    """
    return patiently(_settle(library, scanned), ())


def _settle(library: Library, scanned: Scanned) -> Generator[tuple[Moved, ...], None, None]:
    for root in filter(scanned.reached, scanned.roots):
        if root.is_dir():  # a disk that is not there says nothing about the files on it
            absent = library.images_below(
                root, recursive=scanned.recursive, besides=scanned.image_ids
            )
            absent = [image for image in absent if scanned.reached(image.path)]
            library.mark_missing(_vanished(library, absent))
            yield ()
    yield library.take_over_unhashed(scanned.image_ids)
    young = {new.id: new for new, _ in library.lookalikes(scanned.image_ids)}
    for image in young.values():
        yield hash_image(library, image)


def hash_all(library: Library) -> Generator[tuple[Moved, ...], None, None]:
    """Hash what has not been, one file at a time, in a worker; ends when all are through.

    Raises:
        LibraryError: the file or the disk fails.
    """
    after = 0
    stalled = set[Path]()
    with Patience(_HASH_LIMIT_S) as patience:
        while page := library.images_without_hash(_PAGE, after):
            digests = list[tuple[int, bytes | None]]()
            for image in page:
                if image.path.parent in stalled:
                    continue
                attempt = patience.begin(partial(_digest_behind, image))
                for _ in attempt.wait():
                    yield ()
                if attempt.is_done:
                    digests.append((image.id, attempt.result()))
                else:
                    stalled.add(image.path.parent)
                yield ()
            yield _store(library, digests)
            after = page[-1].id


def hash_image(library: Library, image: LibraryImage) -> tuple[Moved, ...]:
    """Store an image's content hash; if a vanished one had the same, that is the one it is."""
    return _store(library, [(image.id, _digest(image))])


def _digest_behind(image: LibraryImage, _: Alive) -> bytes | None:
    give_way()
    return _digest(image)


def _digest(image: LibraryImage) -> bytes | None:
    try:
        return content_hash(image.path)
    except OSError:  # it comes again at the next start
        return None


def _store(library: Library, digests: Sequence[tuple[int, bytes | None]]) -> tuple[Moved, ...]:
    hashes = [(image_id, digest) for image_id, digest in digests if digest is not None]
    if not hashes:
        return ()
    twins = [(i, twin) for i, digest in hashes for twin in library.same_content(digest)]
    library.mark_missing(_vanished(library, [twin for i, twin in twins if twin.id != i]))
    return library.set_hashes(hashes)


def _vanished(library: Library, images: Sequence[LibraryImage]) -> list[int]:
    """Those whose files are gone. What lies on a drive that is not there now is not.

    Else a copy that is found meanwhile would be taken for the photo, with all that was said of it.
    """
    absent = [image.id for image in images if not image.path.exists()]
    present = volumes_present() if absent else None
    if present is None:
        return absent
    volumes = library.volumes_of(absent)
    return [image for image in absent if image not in volumes or volumes[image] in present]


def give_way() -> None:
    """Let everything else on this computer come before this thread, where that can be said."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST_PRIORITY)


class LibraryMaintenance(QObject):
    """Runs that work when nothing else goes on: a look for moved files first, then the hashes.

    Signals:
        settling_started: moved files are being looked for.
        moved: photos of the table are other images of the library now; a tuple of rows.
        settled: the look for moved files is over.
    """

    settling_started = Signal()
    moved = Signal(object)
    settled = Signal()

    def __init__(
        self, library: LibraryClient, photos: PhotoTable, jobs: JobRunner, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._photos = photos
        self._settling = JobSlot(jobs, "look for moved photos", self)
        self._hashing = JobSlot(jobs, "hash photos", self)

    @property
    def is_settling(self) -> bool:
        """Whether moved files are being looked for."""
        return self._settling.is_running

    def settle(
        self, roots: Sequence[Path], *, recursive: bool, out_of_reach: Iterable[Path]
    ) -> None:
        """Look for vanished and moved files after a scan; ``settled`` follows.

        Args:
            roots: that were scanned.
            recursive: with their subfolders.
            out_of_reach: what the scan could not look at.
        """
        library = self._library.library
        self.drop()
        if library is None:
            self.settled.emit()
            return
        there = (self._photos.image_ids > 0) & ~self._photos.gone
        known = self._photos.image_ids[there]  # a copy
        scanned = Scanned(tuple(roots), recursive, known, frozenset(out_of_reach))
        # Nothing is lost when it fails, and the client has logged it: the next start tries again.
        self._settling.run(
            lambda: settle_moves(library, scanned),
            on_values=self._take,
            on_end=self.settled.emit,
        )
        self.settling_started.emit()

    def stop_settling(self) -> None:
        """Do not look for moved files any longer; the next scan does."""
        if self.is_settling:
            self._end(self._settling)
            self.settled.emit()

    def hash_in_background(self) -> None:
        """Hash contents until there is nothing left or ``pause`` is called."""
        library = self._library.library
        if library is None or not self._library.is_open or self._hashing.is_running:
            return
        self._hashing.run(lambda: hash_all(library), on_values=self._take)

    @Slot()
    def pause(self) -> None:
        """Something that matters more goes on: stop hashing after this file."""
        self._end(self._hashing)

    def drop(self) -> None:
        """Stop everything."""
        self.pause()
        self._end(self._settling)

    @staticmethod
    def _end(slot: JobSlot) -> None:
        slot.cancel()  # what has moved until now is taken in
        slot.drop()

    def _take(self, parts: tuple[tuple[Moved, ...], ...]) -> None:
        rows: list[int] = []
        for move in chain.from_iterable(parts):
            # The row that the photo had before its file moved is no longer it.
            before = self._photos.rows_of_images([move.image_id])
            self._photos.set_image_ids(before, [0] * len(before))
            found = self._photos.rows_of_images([move.forgotten_id])
            self._photos.set_image_ids(found, [move.image_id] * len(found))
            rows += found
        if rows:
            self.moved.emit(tuple(rows))
