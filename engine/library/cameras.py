"""What cameras wrote into images: when, with what and where they were taken."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields


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
        width: in pixels, as stored.
        height: in pixels, as stored.
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


def set_camera_facts(connection: sqlite3.Connection, facts: Mapping[int, CameraFacts]) -> None:
    """Note what the files of images say; images that are not there any more are left out."""
    connection.executemany(
        f"INSERT OR REPLACE INTO camera_facts (image_id, {_NAMES})"  # noqa: S608
        f" SELECT id, {_MARKS} FROM images WHERE id = ?",
        [(*astuple(said), image_id) for image_id, said in facts.items()],
    )
