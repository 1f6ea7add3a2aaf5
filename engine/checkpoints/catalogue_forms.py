"""The forms that models of the catalogue have once they are downloaded and imported."""

from __future__ import annotations

import torch

from engine.api.config import PAPER_TEMPERATURES, HeadConfig, ModelConfig
from engine.checkpoints.csra_import import official_pixels
from engine.checkpoints.safetensors_model import Checkpoint, in_memory
from engine.inference.graphs import graph_key
from engine.models.classifier import Classifier
from engine.records.catalogue import CatalogueEntry, category_list, load_catalogue
from engine.records.model_record import CheckpointRecord


def catalogue_forms() -> tuple[ModelConfig, ...]:
    """Every form that a model of the catalogue may have, each once."""
    found = (form for entry in load_catalogue().values() for form in entry_forms(entry))
    return tuple({graph_key(form): form for form in found}.values())


def entry_forms(entry: CatalogueEntry) -> tuple[ModelConfig, ...]:
    """The forms that one entry may have.

    Returns:
        None if it is a backbone, or if λ is for a person to say; two if only the file says whether
        its heads have a bias.
    """
    lam, heads, categories = entry.lam, entry.num_heads, entry.categories
    if entry.kind != "official" or lam is None or heads is None or categories is None:
        return ()
    names = category_list(categories)
    return tuple(
        ModelConfig(
            entry.backbone,
            names,
            HeadConfig(PAPER_TEMPERATURES[heads], lam, bias=bias),
            official_pixels(entry.backbone, len(names), entry.input_size),
        )
        for bias in ((False, True) if entry.backbone.startswith("vit_") else (False,))
    )


def with_random_weights(form: ModelConfig, name: str) -> Checkpoint:
    """A model of a form that was never trained."""
    torch.manual_seed(0)
    classifier = Classifier(form).eval().requires_grad_(requires_grad=False)
    return in_memory(classifier, CheckpointRecord(form, name))
