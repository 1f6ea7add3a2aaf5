"""What cameras wrote into images: when, with what and where they were taken."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from datetime import datetime

import numpy as np

from engine.library.columns import NOT_TAKEN, IntArray
from engine.library.values import ImageFile


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """What a camera says of an image; what it does not say is empty or ``None``.

    Attributes:
        taken: by the camera's clock, as ISO 8601 without a zone: "2024-05-01T12:30:00".
        camera: maker and model; may hold any characters, as may ``lens``.
        lens: its name.
        exposure_s: seconds, above 0.
        aperture: the f-number, above 0.
        iso: the film speed, above 0.
        focal_mm: the focal length in millimetres, above 0.
        width: of the upright image, in pixels.
        height: of the upright image, in pixels.
        latitude: degrees, north is positive, in [-90, 90].
        longitude: degrees, east is positive, in [-180, 180]; there if and only if the latitude is.
    """

    taken: str = ""
    camera: str = ""
    lens: str = ""
    exposure_s: float | None = None
    aperture: float | None = None
    iso: int | None = None
    focal_mm: float | None = None
    width: int | None = None
    height: int | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, eq=False)
class DatesAndCameras:
    """What filters and orders go by, of images whose files were read.

    Attributes:
        image_ids: (M,) int64.
        taken_ns: (M,) int64, since 1970; ``NOT_TAKEN`` where the camera does not say.
        cameras: M names; empty where it does not say.
    """

    image_ids: IntArray
    taken_ns: IntArray
    cameras: tuple[str, ...]


# What a count of ns in 64 bits can hold.
_YEARS = range(1900, 2200)
_NAMES = ", ".join(field.name for field in fields(CameraFacts))
_MARKS = ", ".join("?" for _ in fields(CameraFacts))


def camera_facts(
    connection: sqlite3.Connection, image_ids: Iterable[int]
) -> dict[int, CameraFacts]:
    """What is known of those images whose files were read."""
    rows = connection.execute(
        f"SELECT image_id, {_NAMES} FROM camera_facts"  # noqa: S608
        " WHERE image_id IN (SELECT value FROM json_each(?))",
        (json.dumps([int(image_id) for image_id in image_ids]),),
    )
    return {image_id: CameraFacts(*values) for image_id, *values in rows}


def dates_and_cameras(connection: sqlite3.Connection, image_ids: Iterable[int]) -> DatesAndCameras:
    """When and with what those images were taken whose files were read, in any order."""
    rows = connection.execute(
        "SELECT image_id, taken, camera FROM camera_facts"
        " WHERE image_id IN (SELECT value FROM json_each(?))",
        (json.dumps([int(image_id) for image_id in image_ids]),),
    ).fetchall()
    return DatesAndCameras(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([taken_ns(row[1]) for row in rows], dtype=np.int64),
        tuple(row[2] for row in rows),
    )


def set_camera_facts(
    connection: sqlite3.Connection,
    facts: Mapping[int, CameraFacts],
    files: Mapping[int, ImageFile] | None = None,
) -> None:
    """Note what the files of images say; images that are not there any more are left out.

    Args:
        connection: in a transaction.
        facts: by the images' numbers.
        files: as they were when they were read; an image whose file is known as another one since
            is left out too.
    """
    rows = []
    for image_id, said in facts.items():
        file = None if files is None else files[image_id]
        look = (None, None) if file is None else (file.size, file.mtime_ns)
        rows.append((*astuple(said), image_id, look[0], *look))
    connection.executemany(
        f"INSERT OR REPLACE INTO camera_facts (image_id, {_NAMES})"  # noqa: S608
        f" SELECT id, {_MARKS} FROM images"
        " WHERE id = ? AND (? IS NULL OR (size = ? AND mtime_ns = ?))",
        rows,
    )


def taken_ns(taken: str) -> int:
    """A camera's moment in ns since 1970, by this computer's zone; ``NOT_TAKEN`` for none."""
    if not taken:
        return NOT_TAKEN
    try:
        moment = datetime.fromisoformat(taken)
        return int(moment.timestamp()) * 10**9 if moment.year in _YEARS else NOT_TAKEN
    except (ValueError, OverflowError, OSError):  # the last one of Windows, for what is long ago
        return NOT_TAKEN
