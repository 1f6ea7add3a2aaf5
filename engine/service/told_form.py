"""What somebody tells of a model that is measured, beside what its file says."""

from __future__ import annotations

from pathlib import Path

from engine.api.errors import ConfigError
from engine.api.evaluation import EvaluationRequest
from engine.records.model_record import from_metadata, is_ours
from engine.records.safetensors_header import read_header


def is_told(request: EvaluationRequest) -> bool:
    """Whether anything is told of the model's form."""
    return request.lam is not None or request.heads is not None


def says_all(path: Path, request: EvaluationRequest) -> bool:
    """Whether the file is one of ours, which says all itself.

    Raises:
        CheckpointError: the file is damaged.
        ConfigError: it says something else than what is told.
    """
    if not is_ours(path):
        return False
    record = from_metadata(read_header(path).metadata)
    head = record.config.head
    if request.lam not in (None, head.lam):
        raise ConfigError(
            f"The file of {record.name!r} says λ = {head.lam:g}, not {request.lam:g}. Leave out "
            "--lam; it is for files that do not say it."
        )
    if request.heads not in (None, head.num_heads):
        raise ConfigError(
            f"The file of {record.name!r} says that it has {head.num_heads}, not {request.heads} "
            "heads. Leave out --heads; it is for files that do not say it."
        )
    return True
