"""A model that also says which breed, species or make it may be, made of one that does not.

A backbone with groups holds its classifier whole, so each detail of the vocabulary is one group
more: a channel, and a row of the head that passes groups on. Nothing is trained and nothing is
fetched, and the same model comes out of it on every machine, with the same id.

Details are suggestions. ``CategoryParents`` keeps them where their parent is, one for each parent.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.api.calibration import LogitScaling
from engine.api.categories import Categories
from engine.api.errors import CheckpointError, ConfigError, ModelError
from engine.api.label_measures import UNMEASURED
from engine.api.label_parents import CategoryParents
from engine.api.network_names import NUM_CLASSES, network_name
from engine.api.values import DEFAULT_THRESHOLD, FloatArray
from engine.api.vocabulary import Vocabulary, everyday
from engine.inference.weights import ModelWeights, read_weights, write_weights
from engine.records.catalogue import DETAILS_MODEL, find_model
from engine.records.model_record import CheckpointRecord, from_metadata, model_id
from engine.records.models import ModelStore, default_store
from engine.records.safetensors_header import read_header
from engine.resources import resource_path
from engine.texts import reason_text

#: In the provenance of a model with details: of which model they are, by its id.
DETAILS_OF = "details of"
#: Likewise: what tells the vocabulary and the rules that they were made by from later ones.
_MADE_BY = "details made by"
_MEMBERS, _WEIGHT, _BIAS = "backbone.groups.members", "heads.weight", "heads.bias"
_CLASSIFIER = "backbone.groups.classifier.weight"
_MEAN, _VARIANCE = "heads.standardization.running_mean", "heads.standardization.running_var"


@dataclass(frozen=True)
class DetailRules:
    """From which log-odds on details appear, as ``resources/categories/details.toml`` says.

    Log-odds are pooled over the photo: (mean + λ · max) / (1 + λ).

    Args:
        weight: how many times they are in the logit.
        least: from which on a detail appears, unless its parent says otherwise.
        least_of: the same of single details, and of all those of single parents, by the name.
        mean: of the log-odds of a detail at any position, about, for standardization.
        deviation: likewise.

    Raises:
        ConfigError: a number makes no sense.
    """

    weight: float
    least: float
    least_of: Mapping[str, float]
    mean: float
    deviation: float

    def __post_init__(self) -> None:
        numbers = (self.weight, self.least, *self.least_of.values(), self.mean, self.deviation)
        if not (np.isfinite(numbers).all() and self.weight > 0 and self.deviation > 0):
            raise ConfigError("Rules of details are numbers, the weight and the deviation above 0.")

    def least_for(self, detail: str, parent: str) -> float:
        """From which pooled log-odds on a detail of a parent appears."""
        return self.least_of.get(detail, self.least_of.get(parent, self.least))


def read_rules(path: Path | None = None) -> DetailRules:
    """The rules in a file; ``None`` for those that ship.

    Raises:
        ConfigError: they cannot be read.
    """
    path = resource_path("categories", "details.toml") if path is None else path
    try:
        body = tomllib.loads(path.read_text(encoding="utf-8"))
        return DetailRules(
            float(body["weight"]),
            float(body["least"]),
            {str(name): float(value) for name, value in body["least_of"].items()},
            float(body["mean"]),
            float(body["deviation"]),
        )
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"The rules of details {path.name} cannot be read: {reason_text(error)}."
        ) from error


def keep_details(store: ModelStore | None = None) -> Path:
    """The file of the default model with details, made if it is missing or of an older program.

    A model of the person's own that has this name is left as it is.

    Args:
        store: where it is kept; ``None`` for the user's own models.

    Raises:
        CheckpointError, ModelError: as ``write_details``, or its folder cannot be made.
    """
    store = default_store() if store is None else store
    source = find_model(None, store)
    kept = store.models().get(DETAILS_MODEL)
    if kept is None:
        kept = store.new_path(DETAILS_MODEL)
    elif not _is_outdated(kept, source):
        return kept
    write_details(source, kept)
    return kept


def _is_outdated(kept: Path, source: Path) -> bool:
    try:
        made = from_metadata(read_header(kept).metadata).provenance
    except CheckpointError:
        return True  # half a file is worth nothing
    of = model_id(read_header(source).metadata)
    return DETAILS_OF in made and (made[DETAILS_OF], made.get(_MADE_BY)) != (of, _made_by())


def _made_by() -> str:
    names = ("everyday.toml", "details.toml")
    digest = hashlib.sha256()
    for name in names:
        digest.update(resource_path("categories", name).read_bytes())
    return digest.hexdigest()[:16]


def write_details(source: Path, target: Path) -> CheckpointRecord:
    """Make a model with details of a model file, atomically; what its file says.

    Raises:
        CheckpointError: the file cannot be read, or the new one not be written.
        ModelError: the model has no groups of ImageNet's classes, or has its details already.
    """
    weights = read_weights(source)
    record, tensors = with_details(weights, everyday(), read_rules())
    record = replace(record, provenance={**record.provenance, _MADE_BY: _made_by()})
    write_weights(target, tensors, record)
    return record


def with_details(
    weights: ModelWeights, vocabulary: Vocabulary, rules: DetailRules
) -> tuple[CheckpointRecord, dict[str, FloatArray]]:
    """The record and the tensors of a model with details; its categories keep their places.

    Args:
        weights: of the model without.
        vocabulary: names the details and what shows them.
        rules: from which log-odds on they appear.

    Raises:
        ModelError: as ``write_details``.
    """
    record, old = weights.record, weights.tensors
    dim, groups = _sizes(weights, vocabulary)
    added = _details(record.config.categories, vocabulary)
    if not added:
        raise ModelError(f"{record.name!r} names all details that there are already.")
    count, channels = len(added), dim + groups
    members = np.zeros((count, len(vocabulary.classes)), dtype=np.float32)
    for row, name in enumerate(added):
        members[row, list(vocabulary.all_members(name))] = 1.0
    tensors = dict(old)
    tensors[_MEMBERS] = np.concatenate([old[_MEMBERS], members])
    tensors[_MEAN] = _with_channels(old[_MEAN], channels, count, rules.mean)
    tensors[_VARIANCE] = _with_channels(old[_VARIANCE], channels, count, rules.deviation**2)
    rows = np.zeros((record.config.head.num_heads, count, old[_WEIGHT].shape[2]), dtype=np.float32)
    wide = np.concatenate([old[_WEIGHT], rows], axis=1)
    tensors[_WEIGHT] = _with_channels(wide, channels, count, 0.0)
    offsets = np.zeros((len(rows), count), dtype=np.float32)
    share, head = 1 / (1 + record.config.head.lam), _head_of_groups(old[_WEIGHT], dim, groups)
    deviation = np.sqrt(tensors[_VARIANCE][channels] + np.float32(1e-5))
    # As half precision has it, since the file does; the offset then fits what is in the file.
    weight = np.float32(np.float16(rules.weight * share * deviation))
    for row, name in enumerate(added):
        tensors[_WEIGHT][head, len(record.config.categories) + row, channels + row] = weight
        least = rules.least_for(name, vocabulary.parents_of(name)[0])
        offsets[head, row] = float(weight / deviation) * rules.mean - rules.weight * least * share
    tensors[_BIAS] = np.concatenate([old[_BIAS], offsets], axis=1)
    return _record(weights, added, vocabulary), tensors


def _sizes(weights: ModelWeights, vocabulary: Vocabulary) -> tuple[int, int]:
    """How many features and groups there are, where details can be made of them."""
    config = weights.record.config
    name, head = network_name(config.backbone), config.head
    standardizes = head.standardize and not head.normalize
    knows_classes = name.groups and name.classes == len(vocabulary.classes) == NUM_CLASSES
    is_fit = knows_classes and standardizes and head.bias and head.activation == "sigmoid"
    # Without measures, nothing would say that details are suggestions.
    if not is_fit or weights.record.measures is None:
        raise ModelError(
            f"{weights.record.name!r} cannot name details: only models that know groups of "
            "ImageNet's classes can, as csra-everyday does."
        )
    return weights.tensors[_CLASSIFIER].shape[1], name.groups


def _details(categories: Sequence[str], vocabulary: Vocabulary) -> tuple[str, ...]:
    """Those that the model does not name yet, though it names what each is a kind of."""
    return tuple(
        one.name
        for one in vocabulary.categories
        if one.is_detail
        and one.name not in categories
        and vocabulary.all_members(one.name)
        and not set(vocabulary.ancestors(one.name)).isdisjoint(categories)
    )


def _head_of_groups(weight: FloatArray, dim: int, groups: int) -> int:
    """The head that says most of groups."""
    return int(np.abs(weight[:, :, dim : dim + groups]).sum(axis=(1, 2)).argmax())


def _with_channels(values: FloatArray, at: int, count: int, value: float) -> FloatArray:
    """The last axis with ``count`` more places from ``at`` on."""
    more = np.full((*values.shape[:-1], count), value, dtype=np.float32)
    return np.concatenate([values[..., :at], more, values[..., at:]], axis=-1)


def _record(
    weights: ModelWeights, added: tuple[str, ...], vocabulary: Vocabulary
) -> CheckpointRecord:
    old, count = weights.record, len(added)
    names = Categories((*old.config.categories, *added))
    above = CategoryParents.among(names, vocabulary.parents_of).of
    details = {place: above[place] for place in map(names.index_of, added)}
    parents = old.config.parents
    backbone = network_name(old.config.backbone)
    config = replace(
        old.config,
        backbone=str(replace(backbone, groups=backbone.groups + count)),
        categories=names,
        parents=CategoryParents(parents.of, {**parents.details, **details}),
    )
    thresholds, scaling = old.thresholds, old.calibration
    return replace(
        old,
        config=config,
        name=f"{old.name} with details",
        description=f"{old.description} {count} breeds, species and makes are possible details: "
        "suggestions, each only where what it is a kind of is seen.",
        thresholds=thresholds and (*thresholds, *((DEFAULT_THRESHOLD,) * count)),
        calibration=scaling
        and LogitScaling(
            (*scaling.slopes, *((1.0,) * count)), (*scaling.offsets, *((0.0,) * count))
        ),
        measures=(*(old.measures or ()), *((UNMEASURED,) * count)),
        provenance={**old.provenance, DETAILS_OF: weights.id},
    )
