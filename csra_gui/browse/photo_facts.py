"""What is known of photos, for the dialog of their properties: gathered, then put into words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QDateTime

from csra_gui.browse.camera_texts import Fact, camera_texts, moment_text, read_camera
from csra_gui.browse.chips import mine_first
from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.browse.photo_texts import labels_text, measured_text, pair_text
from csra_gui.session.photo_files import UNKNOWN_SIZE, PhotoFiles
from csra_gui.session.session import Session
from engine.api.errors import ImageError
from engine.api.values import DecodedImage
from engine.data.decoding.pool import DecodeRequest
from engine.library.cameras import CameraFacts
from engine.texts import (
    display_name,
    display_path,
    display_text,
    megabytes,
    photos_text,
)

_SIDE = 64  # the picture itself is not shown
_LOOK_S = 0.1
_MOST_SCORES = 12
_MEGA = 1_000_000
_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file itself says.

    Attributes:
        size: in bytes; ``None`` if it is not there.
        changed_ms: since 1970.
        image: decoded small; or why it cannot be.
        camera: what the camera wrote into it.
    """

    size: int | None
    changed_ms: int
    image: DecodedImage | ImageError
    camera: CameraFacts


def read_file(path: Path, decoder: ImageDecoder) -> Generator[None, None, FileFacts]:
    """Read one photo's file, in a worker; closing it asks for nothing any more."""
    try:
        status = path.stat()
    except OSError:
        error = ImageError("The file is not there, or cannot be read.")
        return FileFacts(None, 0, error, CameraFacts())
    camera = (yield from read_camera(path)) or CameraFacts()
    future = decoder.submit(DecodeRequest(path, _SIDE))
    try:
        while not wait([future], _LOOK_S).done:
            yield
    finally:
        future.cancel()
    image = _outcome(future)
    return FileFacts(status.st_size, status.st_mtime_ns // _NS_PER_MS, image, camera)


def file_texts(path: Path, facts: FileFacts) -> list[Fact]:
    """What the file of one photo says."""
    image = facts.image
    found: list[Fact] = [("File", display_name(path)), ("Folder", display_path(path.parent))]
    if facts.size is not None:
        found.append(("Size", f"{_size_text(facts.size)} ({facts.size:,} bytes)"))
    if isinstance(image, DecodedImage):
        said = replace(facts.camera, width=image.width, height=image.height)
        found += camera_texts(said)
    else:
        found += [*camera_texts(facts.camera), ("Problem", str(image))]
    if facts.size is not None:
        moment = QDateTime.fromMSecsSinceEpoch(facts.changed_ms)
        found.append(("File changed", moment_text(moment)))
    return found


def session_texts(session: Session, row: int) -> list[Fact]:
    """What model and person say of one photo."""
    model, error = session.models.model, session.photos.error(row)
    found: list[Fact] = []
    others = session.photos.other_files(row)
    if others:
        names = "\n".join(map(display_text, others))
        found.append((pair_text(session.photos.paths[row], others), f"with {names}"))
    if model is not None:
        found.append(("Model", display_text(model.full_name)))
    said = labels_text(mine_first(session.labels(row)))
    tagged = session.photos.is_tagged(row)
    nothing = "none" if tagged else "not tagged yet"
    found.append(("Labels", said or (nothing if error is None else display_text(error))))
    if tagged:
        best = [each for each in session.photos.labels(row, 0.0) if each.score_text]
        scores = (f"{display_text(x.category)} {x.score_text}" for x in best[:_MOST_SCORES])
        found.append(("Highest scores", "\n".join(scores)))
    measured = session.photos.facts(row)
    if measured is not None:
        found.append(("Measured", measured_text(measured)))
    found.append(("Reviewed", "yes" if session.photos.is_reviewed(row) else "no"))
    return found


def several_texts(files: PhotoFiles, rows: Sequence[int], reviewed: int) -> list[Fact]:
    """What many photos have together, as far as it was seen when they were found; in a worker.

    Args:
        files: of the open photos.
        rows: at least one of them.
        reviewed: how many of them are reviewed.
    """
    chosen = np.asarray(rows, dtype=np.int64)
    sizes, moments = files.sizes[chosen], files.mtimes_ns[chosen] // _NS_PER_MS
    known = sizes != UNKNOWN_SIZE
    folders = {files.folders[number] for number in np.unique(files.folder_of[chosen]).tolist()}
    kinds = Counter(Path(files.names[row]).suffix.lower() or "no ending" for row in rows)
    found: list[Fact] = [("Photos", photos_text(len(rows)))]
    found.append(
        (
            "Folder",
            display_path(folders.pop()) if len(folders) == 1 else f"{len(folders):,} folders",
        )
    )
    found.append(("Kinds", ", ".join(f"{display_text(k)}: {n:,}" for k, n in kinds.most_common(6))))
    if known.any():
        total = int(sizes[known].sum())
        first, last = (
            QDateTime.fromMSecsSinceEpoch(int(m))
            for m in (moments[known].min(), moments[known].max())
        )
        found.append(("Size", f"{_size_text(total)} together"))
        found.append(("Files changed", f"{moment_text(first)} – {moment_text(last)}"))
    if not known.all():
        found.append(("Not there", photos_text(int((~known).sum()))))
    found.append(("Reviewed", f"{reviewed:,} of {len(rows):,}"))
    return found


def as_text(facts: Sequence[Fact]) -> str:
    """To be copied."""
    return "\n".join(f"{caption}: {text.replace(chr(10), ', ')}" for caption, text in facts)


def _size_text(size: int) -> str:
    return megabytes(size) if size >= _MEGA else f"{size / 1000:,.0f} kB"


def _outcome(future: Future[DecodedImage]) -> DecodedImage | ImageError:
    try:
        return future.result()
    except ImageError as error:
        return error
