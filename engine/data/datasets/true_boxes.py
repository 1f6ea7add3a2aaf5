"""Where things truly are in a photo, if it lies in a data set that says so."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path

from engine.api.values import TrueBox
from engine.data.datasets.coco import load_coco
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.voc import read_voc_objects

_COCO_FOLDER = re.compile(r"(train|val)(20\d\d)")
_VOC_PHOTOS, _VOC_ANNOTATIONS = "JPEGImages", "Annotations"


@dataclass(frozen=True)
class _CocoFile:
    """An annotation file by where it lies, to notice that it was changed."""

    path: Path
    bytes: int
    changed_ns: int


class TrueBoxes:
    """Finds the annotation of a photo in the layouts of VOC and COCO; safe from any thread.

    COCO has all boxes of a split in one file, which takes a while to read; the last one read is
    kept.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file: _CocoFile | None = None
        self._boxes: dict[str, tuple[TrueBox, ...]] = {}

    def of(self, photo: Path) -> tuple[TrueBox, ...] | None:
        """The objects of a photo; ``None`` if it lies in no data set with boxes.

        Raises:
            DataError: its annotation cannot be read.
        """
        if photo.parent.name == _VOC_PHOTOS:
            return _voc_boxes(photo)
        return self._coco_boxes(photo)

    def _coco_boxes(self, photo: Path) -> tuple[TrueBox, ...] | None:
        named = _COCO_FOLDER.fullmatch(photo.parent.name)
        if named is None:
            return None
        for root in photo.parents[1:3]:  # the split's folder lies in the root, or in its "images"
            file = root / "annotations" / f"instances_{named[0]}.json"
            if file.is_file():
                with self._lock:
                    self._read(file, root, named[1], int(named[2]))
                    return self._boxes.get(photo.name, ())
        return None

    def _read(self, file: Path, root: Path, split: str, year: int) -> None:
        status = file.stat()
        wanted = _CocoFile(file, status.st_size, status.st_mtime_ns)
        if wanted == self._file:
            return
        self._file, self._boxes = None, {}  # two at once may be more than the memory takes
        images = load_coco(root, split, year, check_files=False)
        self._boxes, self._file = _by_name(images), wanted


def _voc_boxes(photo: Path) -> tuple[TrueBox, ...] | None:
    file = photo.parent.parent / _VOC_ANNOTATIONS / f"{photo.stem}.xml"
    if not file.is_file():
        return None
    return tuple(
        TrueBox(item.category, item.box, is_difficult=item.is_difficult)
        for item in read_voc_objects(file)
        if item.box is not None
    )


def _by_name(images: LabelledImages) -> dict[str, tuple[TrueBox, ...]]:
    names = images.categories
    return {
        path.name: tuple(
            TrueBox(names[one.category], one.box, is_crowd=one.is_crowd) for one in objects
        )
        for path, objects in zip(images.paths, images.objects or (), strict=True)
    }
