"""Targets that are given the files of labelled data sets, each in its folder with a picture."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from engine.api.errors import DataError
from engine.data.datasets.registry import dataset_spec, load_dataset
from tests.engine.data.datasets.devkits import make_dataset, write_picture
from tests.fuzz.target import Target, check_words, promise, variant

_PICTURES = {".jpg", ".png"}

#: A file within a data set: its kind, the place of the file, and what good ones hold.
_File = tuple[str, str, bytes]


@cache
def _files(kinds: tuple[str, ...]) -> list[_File]:
    """Every text of some kinds of data sets."""
    found = []
    for kind in kinds:
        with tempfile.TemporaryDirectory() as folder:
            root = _made(kind, Path(folder))
            found += [
                (kind, file.relative_to(root).as_posix(), file.read_bytes())
                for file in sorted(root.rglob("*"))
                if file.is_file() and file.suffix not in _PICTURES
            ]
    return found


def _made(kind: str, root: Path) -> Path:
    if kind == "folder-of-texts":  # booru taggers write one beside each picture
        write_picture(root / "a.jpg")
        (root / "a.txt").write_text("dog, black cat\n")
    elif kind == "imagefolder-lines":
        write_picture(root / "a.jpg")
        (root / "metadata.jsonl").write_text('{"file_name": "a.jpg", "labels": ["dog", 1]}\n')
        (root / "categories.txt").write_text("dog\ncat\n")
    elif kind == "folder-of-states":
        write_picture(root / "a.jpg")
        (root / "labels.csv").write_text("path,label,state,score\na.jpg,dog,accepted,0.5\n")
    elif kind == "folder-with-columns":
        write_picture(root / "a.jpg")
        (root / "_classes.csv").write_text("filename, dog, cat\na.jpg, 1, 0\n")
    else:
        make_dataset(kind, root)
    return root


_REGISTERED = {
    "folder-of-texts": "folder",
    "folder-of-states": "folder",
    "folder-with-columns": "folder",
    "imagefolder-lines": "imagefolder",
}


def _target(words: Sequence[str], *kinds: str) -> Target:
    def run(data: bytes, folder: Path) -> None:
        files = _files(kinds)
        which, body = variant(data, len(files))
        kind, place, good = files[which]
        root = folder / kind
        if not root.exists():
            root.mkdir()
            _made(kind, root)
        (root / place).write_bytes(body)
        try:
            _read(kind, root)
        finally:  # another input may be for another file of this kind
            (root / place).write_bytes(good)

    def seeds() -> list[bytes]:
        return [bytes([48 + at]) + good for at, (_, _, good) in enumerate(_files(kinds))]

    return Target(run, (DataError,), seeds, words)


def _read(kind: str, root: Path) -> None:
    name = _REGISTERED.get(kind, kind)
    for split in dataset_spec(name).splits(root):
        images = load_dataset(name, root, split)
        count = len(images.paths)
        promise(images.targets.shape == (count, len(images.categories)), "a row per image")
        promise(images.ignored.shape == images.targets.shape, "what is ignored has its shape")
        inside = root.resolve()
        promise(
            all(path.resolve().is_relative_to(inside) for path in images.paths),
            "no image lies outside of the data set",
        )
        for problem in images.problems:
            check_words(problem)


_JSON = ("null", "1e999", "NaN", "-1", "[[[[", "{}", "[]", '"id":', '"file_name":', "../../etc/x")

TARGETS = {
    "voc": _target(
        (
            "<object>",
            "<name>",
            "<bndbox>",
            "<xmin>",
            "nan",
            "inf",
            "1e308",
            "<!DOCTYPE",
            "<known>",
            "<unknown>",
            'encoding="utf-16"',
            'encoding="shift_jis"',
            "<difficult>1</difficult>",
        ),
        "voc2007",
        "vocxml",
    ),
    "coco": _target((*_JSON, '"bbox":', '"category_id":', '"iscrowd":'), "coco2017", "cocojson"),
    "json": _target(
        (
            *_JSON,
            '"target":',
            '"img_path":',
            '"attribute":',
            '"objects":',
            '"names":',
            '"split":',
            '"filename":',
            '"labels":',
            '"classes":',
            '"_cls":',
            '"Detections"',
            '"filepath":',
        ),
        "json",
        "wider",
        "visualgenome",
        "visualgenome-attributes",
        "karpathy",
        "fiftyone",
        "fiftyone-samples",
    ),
    "tables": _target(
        (
            "path,label",
            ";",
            "\t",
            '"',
            "\r\n",
            "nan",
            "accepted",
            "rejected",
            "a.jpg",
            "..",
            '{"file_name":',
            '"labels":',
            "\ufeff",
            "'=",
            "filename",
        ),
        "openimages",
        "nuswide",
        "imagefolder",
        "imagefolder-lines",
        "folder",
        "folder-of-texts",
        "folder-of-states",
        "folder-with-columns",
    ),
}
