"""Tiny data sets in the layouts of the real ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from engine.data.datasets.labelled import LabelledImages


def write_picture(path: Path, size: tuple[int, int] = (8, 6), mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size).save(path)
    return path


def voc_object(name: str, difficult: bool = False, box: Sequence[Any] | None = (1, 1, 8, 6)) -> str:
    corners = ""
    if box is not None:
        names = ("xmin", "ymin", "xmax", "ymax")
        parts = "".join(f"<{n}>{v}</{n}>" for n, v in zip(names, box, strict=True))
        corners = f"<bndbox>{parts}</bndbox>"
    return (
        f"<object><name>{name}</name><difficult>{int(difficult)}</difficult>{corners}"
        "<part><name>head</name></part></object>"
    )


def write_voc(
    root: Path,
    splits: Mapping[str, Sequence[str]],
    annotations: Mapping[str, str],
    year: int = 2007,
) -> Path:
    """A devkit: split → image names, image name → the XML of its objects."""
    folder = root / "VOCdevkit" / f"VOC{year}"
    for part in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for name, objects in annotations.items():
        xml = f"<annotation>{objects}</annotation>"
        (folder / "Annotations" / f"{name}.xml").write_text(xml)
        write_picture(folder / "JPEGImages" / f"{name}.jpg")
    for split, names in splits.items():
        (folder / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(names) + "\n")
    return folder


COCO_CATEGORIES = [{"id": 7, "name": "cat"}, {"id": 3, "name": "dog"}, {"id": 90, "name": "cow"}]


def coco_annotation(image: Any, category: Any, **more: Any) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "bbox": [1, 2, 3, 4], "iscrowd": 0} | more


def write_coco(
    root: Path,
    images: Mapping[int, str],
    annotations: Sequence[dict[str, Any]],
    split: str = "val2017",
    pictures: str | None = None,
) -> Path:
    """A data set: image id → file name; returns its annotation file."""
    rows = [{"id": i, "file_name": name} for i, name in images.items()]
    numbered = [{"id": i} | row for i, row in enumerate(annotations)]
    content = {"images": rows, "annotations": numbered, "categories": COCO_CATEGORIES}
    file = root / "annotations" / f"instances_{split}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))
    for name in images.values():
        if ".." not in name and not name.startswith("/"):
            write_picture(root / (pictures or split) / name)
    return file


def wider_person(attributes: Sequence[Any], bbox: Any = (1, 2, 3, 4)) -> dict[str, Any]:
    return {"attribute": list(attributes), "bbox": bbox if bbox is None else list(bbox)}


def write_wider(
    root: Path, images: Sequence[tuple[str, Sequence[Any]]], split: str = "test"
) -> Path:
    """A data set: (file name, persons); returns its annotation file."""
    rows = [{"file_name": name, "scene_id": 0, "targets": persons} for name, persons in images]
    file = root / "Annotations" / f"wider_attribute_{split}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"images": rows}))
    for name, _ in images:
        write_picture(root / "Image" / name)
    return file


def write_devkit(root, annotations):
    """A tiny VOC devkit: name → [(category, difficult)]."""
    folder = root / "VOCdevkit" / "VOC2007"
    for part in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (folder / part).mkdir(parents=True)
    for name, objects in annotations.items():
        items = "".join(
            f"<object><name>{c}</name><difficult>{int(d)}</difficult></object>" for c, d in objects
        )
        (folder / "Annotations" / f"{name}.xml").write_text(f"<annotation>{items}</annotation>")
    (folder / "ImageSets" / "Main" / "train.txt").write_text("\n".join(annotations) + "\n")
    return folder


#: The split that ``make_dataset`` makes, where there is no val.
SPLITS = {"nuswide": "test", "visualgenome": "all", "visualgenome-attributes": "all"}


def _write_all(root: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def _make_public(name: str, root: Path) -> bool:
    """As ``make_dataset``, of the kinds that need nothing but a picture and texts."""
    named = [{"names": ["dog"], "attributes": ["black"]}]
    sample = {"filepath": "data/a.jpg", "kind": {"_cls": "Classification", "label": "dog"}}
    karpathy = {"images": [{"filename": "a.jpg", "split": "val"}]}
    coco = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "annotations": [coco_annotation(1, 1)],
        "categories": [{"id": 1, "name": "dog"}],
    }
    lists: dict[str, tuple[str, dict[str, str]]] = {
        "openimages": (
            "validation/a.jpg",
            {
                "class-descriptions.csv": "/m/1,Dog\n",
                "validation-annotations-human-imagelabels.csv": (
                    "ImageID,Source,LabelName,Confidence\na,verification,/m/1,1\n"
                ),
            },
        ),
        "nuswide": (
            "Flickr/a.jpg",
            {
                "ImageList/TestImagelist.txt": "a.jpg\n",
                "Groundtruth/TrainTestLabels/Labels_dog_Test.txt": "1\n",
            },
        ),
        "visualgenome": (
            "VG_100K/1.jpg",
            {"objects.json": json.dumps([{"image_id": 1, "objects": named}])},
        ),
        "visualgenome-attributes": (
            "VG_100K/1.jpg",
            {"attributes.json": json.dumps([{"image_id": 1, "attributes": named}])},
        ),
        "karpathy": (
            "a.jpg",
            {
                "dataset_flickr30k.json": json.dumps(karpathy),
                "annotations.json": json.dumps(coco),
            },
        ),
        "fiftyone-samples": (
            "val/data/a.jpg",
            {"val/samples.json": json.dumps({"samples": [sample]})},
        ),
        "imagefolder": ("val/a.jpg", {"val/metadata.csv": "file_name,label\na.jpg,dog\n"}),
    }
    if name not in lists:
        return False
    picture, texts = lists[name]
    write_picture(root / picture)
    _write_all(root, texts)
    return True


def make_dataset(name: str, root: Path) -> Path:
    """A tiny data set of a kind with one usable image; returns its root."""
    if _make_public(name, root):
        return root
    if name == "vocxml":
        write_picture(root / "val" / "a.jpg")
        (root / "val" / "a.xml").write_text(f"<annotation>{voc_object('dog')}</annotation>")
    elif name == "fiftyone":
        write_picture(root / "val/data/a.jpg")
        labels = {"classes": ["dog", "cat"], "labels": {"a": [{"label": 1}]}}
        (root / "val/labels.json").write_text(json.dumps(labels))
    elif name == "cocojson":
        file = write_coco(root, {1: "a.jpg"}, [coco_annotation(1, 3)], "val2017", "val")
        file.rename(root / "val" / "_annotations.coco.json")
    elif name.startswith("voc"):
        write_voc(root, {"val": ["a"]}, {"a": voc_object("dog")}, int(name[3:]))
    elif name.startswith("coco"):
        write_coco(root, {1: "a.jpg"}, [coco_annotation(1, 3)], f"val{name[4:]}")
    elif name == "wider":
        write_wider(root, [("val/a.jpg", [wider_person([1] * 14)])], "trainval")
    elif name == "json":
        write_picture(root / "a.jpg")
        rows = [{"target": [1] * 80, "img_path": "a.jpg"}]
        (root / "val_coco2014.json").write_text(json.dumps(rows))
    else:
        write_picture(root / "a.jpg")
        (root / "val.csv").write_text("a.jpg,dog\n")
    return root


def labels_of(images: LabelledImages) -> dict[str, dict[str, bool | None]]:
    """Picture → category → present, absent, or ``None`` if nobody can tell."""
    return {
        path.name: {
            name: None if images.ignored[row, column] else bool(images.targets[row, column])
            for column, name in enumerate(images.categories)
        }
        for row, path in enumerate(images.paths)
    }


def folder_with(root: Path, text: str | bytes, *pictures: str, file: str = "labels.csv") -> Path:
    for name in pictures:
        write_picture(root / name)
    data = text.encode() if isinstance(text, str) else text
    (root / file).write_bytes(data)
    return root
