"""Another set of thresholds in a model file, without touching its weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.api.errors import ModelError
from engine.api.values import DEFAULT_THRESHOLD, ThresholdsForModel
from engine.checkpoints.safetensors_model import sound_record, write_with_record
from engine.records.model_record import THRESHOLDS_SET, from_metadata, is_ours
from engine.records.models import ModelStore, check_model_name
from engine.records.safetensors_header import read_header


def save_thresholds(store: ModelStore, source: Path, request: ThresholdsForModel) -> str:
    """Keep thresholds in a model of the user's, or in a copy that becomes one.

    The weights stay as they are, bit for bit.

    Args:
        store: the user's models.
        source: the model's file.
        request: see ``ThresholdsForModel``.

    Returns:
        The name of the model that has them.

    Raises:
        CheckpointError: the file cannot be used or not be written.
        ConfigError: the thresholds make no sense.
        ModelError: the name of the copy is taken or unusable, or the model is not the user's own.
    """
    if not is_ours(source):
        raise ModelError("Import this model first; only then can thresholds be kept in its file.")
    record = from_metadata(read_header(source).metadata)
    categories = record.config.categories
    before = record.thresholds or (DEFAULT_THRESHOLD,) * len(categories)
    pairs = zip(categories, before, strict=True)
    thresholds = [request.values.get(name, old) for name, old in pairs]
    if request.name is not None:
        name = check_model_name(request.name)
        target = store.new_path(name)
    else:
        own = {path.resolve(): name for name, path in store.models().items()}
        if source.resolve() not in own:
            raise ModelError("This model ships with the program; thresholds go into a copy of it.")
        name, target = own[source.resolve()], source
    record = sound_record(source)  # a sound file, to the last weight
    provenance = {**record.provenance, THRESHOLDS_SET: request.origin}
    record = replace(record, thresholds=tuple(thresholds), provenance=provenance)
    write_with_record(source, target, record)
    return name
