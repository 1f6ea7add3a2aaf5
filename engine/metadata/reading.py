"""What a photo says of itself: its sidecars and what lies within it, together."""

from __future__ import annotations

from pathlib import Path

from engine.data.sidecar_names import sidecars_of
from engine.metadata import sidecars
from engine.metadata.embedded import FoundMetadata, read_embedded
from engine.metadata.errors import MetadataError
from engine.metadata.values import XmpValues, joined
from engine.metadata.xmp import parsed


def metadata_of(photo: Path) -> FoundMetadata:
    """Keywords of all places; of a rating and the like, what a sidecar says before the photo.

    What is broken is left out and named among the faults.
    """
    beside, within = read_sidecars(photo), _read_within(photo)
    return FoundMetadata(
        joined((beside.values, within.values)),
        tuple(dict.fromkeys(beside.faults + within.faults)),
    )


def read_sidecars(photo: Path) -> FoundMetadata:
    """What the sidecars of a photo say; what is broken is left out and named."""
    values: list[XmpValues] = []
    faults = []
    for path in sidecars_of(photo):
        try:
            values.append(parsed(sidecars.read(path).data or b"", path.name))
        except MetadataError as error:
            faults.append(str(error))
    return FoundMetadata(joined(values), tuple(faults))


def _read_within(photo: Path) -> FoundMetadata:
    try:
        return read_embedded(photo)
    except MetadataError as error:
        return FoundMetadata(faults=(str(error),))
