"""What a model's file says of its scores, for the images that it is measured on."""

from __future__ import annotations

from dataclasses import replace

from engine.data.datasets.labelled import LabelledImages
from engine.records.evaluations import StoredFit
from engine.records.model_record import FITTED, THRESHOLDS_SET, VALIDATED_ON, CheckpointRecord

_CHOSEN = "chosen on "


def stored_fit(record: CheckpointRecord, images: LabelledImages) -> StoredFit:
    """Thresholds and calibration of a model for a data set's categories, and their origin.

    Args:
        record: of the model.
        images: in the model's words.
    """
    places = [record.config.categories.index_of(name) for name in images.categories]
    said = record.provenance
    fitted = said.get(FITTED) or said.get(VALIDATED_ON, "")
    chosen = "" if record.thresholds is None else said.get(THRESHOLDS_SET) or fitted
    scaled = "" if record.calibration is None else fitted
    return replace(
        StoredFit.of(record.thresholds, record.calibration, places),
        thresholds_from=chosen,
        calibration_from=scaled,
        is_in_sample=any(_names(text, images.name) for text in (chosen, scaled)),
    )


def _names(origin: str, images: str) -> bool:
    """Whether an origin names these images, or a part of them."""
    return origin.removeprefix(_CHOSEN).startswith(f"{images},")
