"""Where tools put their annotation files, and what they call them."""

from __future__ import annotations

from pathlib import Path

#: The split of a folder that is not divided.
WHOLE = "all"
#: The usual ones.
SPLITS = ("train", "val", "trainval", "test")

# Other tools' names of splits.
_OTHERWISE = {"val": ("val", "valid", "validation"), "train": ("train", "training")}
_COCO_NAMES = (
    "_annotations.coco.json",
    "instances_default.json",
    "result.json",
    "annotations.json",
)
_COCO_FOLDERS = (".", "annotations")


def coco_file(root: Path, split: str) -> Path | None:
    """The COCO file of a split in a folder, by the names that tools give it; none is opened."""
    folders = [root / name for name in _COCO_FOLDERS]
    if split == WHOLE:
        names = [(folder, name) for folder in folders for name in _COCO_NAMES]
    else:
        names = [(root / s, name) for s in names_of_split(split) for name in _COCO_NAMES]
        names += [
            (folder, name)
            for folder in folders
            for s in names_of_split(split)
            for name in (f"instances_{s}.json", f"{s}.json", f"{s}_annotations.coco.json")
        ]
    return next((file for folder, name in names if (file := folder / name).is_file()), None)


def names_of_split(split: str) -> tuple[str, ...]:
    """What a split may be called; nothing if it is none."""
    return _OTHERWISE.get(split, (split,)) if split in SPLITS else ()
