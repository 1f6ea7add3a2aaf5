"""What cameras wrote into many photos, read once and kept in the library."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby, islice

import numpy as np

from engine.data.patience import LIMIT_S, Alive, Patience
from engine.library.cameras import CameraFacts
from engine.library.store import Library
from engine.library.values import ImageFile, look_at
from engine.metadata.exif import read_camera_facts

#: Files that are read without a look around.
_AT_ONCE = 50
#: Facts that are stored together, and how long (s) they wait for company at most.
_STORED_TOGETHER = 2000
_STORE_EVERY_S = 0.5
_LONGEST_REST_S = 0.1


@dataclass(frozen=True, slots=True)
class AskedFile:
    """A photo to be read.

    Attributes:
        number: whoever asks knows it by this; each another one.
        image_id: in the library; 0 for none, then nothing is kept.
        file: as it was last looked at.
    """

    number: int
    image_id: int
    file: ImageFile


@dataclass(frozen=True)
class ReadFiles:
    """Some photos that were read.

    Attributes:
        facts: by their numbers; of one that cannot be read, or is another one by now, nothing.
    """

    facts: Mapping[int, CameraFacts]


def read_and_keep(
    library: Library, asked: Iterable[AskedFile], *, rest: float = 0.0, limit_s: float = LIMIT_S
) -> Generator[ReadFiles, None, None]:
    """Read photos in their order and keep what they say, in a worker; an empty one while it waits.

    What one yields is on the disk. The other files of a folder that does not answer are left out.

    Args:
        library: where it is kept.
        asked: the photos, best a folder's after another's.
        rest: how long to do nothing after each few files, as a share of what they took.
        limit_s: how long a file may take.

    Raises:
        LibraryError: the file or the disk of the library fails.
    """
    waiting = dict[int, CameraFacts]()
    kept = dict[int, tuple[AskedFile, CameraFacts]]()
    stored_at = time.monotonic()

    def store() -> ReadFiles:
        nonlocal stored_at
        if kept:
            facts = {image_id: said for image_id, (_, said) in kept.items()}
            files = {image_id: each.file for image_id, (each, _) in kept.items()}
            library.set_camera_facts(facts, files)
        done = ReadFiles(dict(waiting))
        waiting.clear()
        kept.clear()
        stored_at = time.monotonic()
        return done

    with Patience(limit_s) as patience:
        for _, folder in groupby(asked, lambda each: each.file.path.parent):
            for read in _folder(patience, folder, rest):
                for each, said in read:
                    waiting[each.number] = said or CameraFacts()
                    if said is not None and each.image_id:
                        kept[each.image_id] = each, said
                is_late = time.monotonic() - stored_at >= _STORE_EVERY_S
                yield store() if is_late or len(waiting) >= _STORED_TOGETHER else ReadFiles({})
    yield store()


def keep_missing(library: Library, image_ids: Sequence[int]) -> Generator[None, None, None]:
    """Read those of some images of the library that nobody has read yet; a value now and then.

    Raises:
        LibraryError: the file or the disk of the library fails.
    """
    known = library.dates_and_cameras(image_ids).image_ids
    missing = np.setdiff1d(np.asarray(image_ids, dtype=np.int64), known).tolist()
    files = library.files_of(missing)
    for _ in read_and_keep(library, [AskedFile(i, i, file) for i, file in files.items()]):
        yield


_Said = tuple[AskedFile, CameraFacts | None]


def _folder(
    patience: Patience, asked: Iterator[AskedFile], rest: float
) -> Generator[list[_Said], None, None]:
    while some := list(islice(asked, _AT_ONCE)):
        begun = time.monotonic()
        found: list[_Said] = []
        attempt = patience.begin(partial(_read_some, some, found))
        for _ in attempt.wait():
            yield []
        if not attempt.is_done:  # nor would it answer for the others
            done = list(found)
            yield [*done, *((each, None) for each in chain(some[len(done) :], asked))]
            return
        attempt.result()
        yield found
        time.sleep(min(rest * (time.monotonic() - begun), _LONGEST_REST_S))


def _read_some(asked: Sequence[AskedFile], found: list[_Said], alive: Alive) -> None:
    for each in asked:
        found.append((each, _read(each.file)))
        alive()


def _read(file: ImageFile) -> CameraFacts | None:
    """Nothing if it cannot be read, or is not the file that was asked for."""
    try:
        said = read_camera_facts(file.path)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
    return said if look_at(file.path) == file else None
