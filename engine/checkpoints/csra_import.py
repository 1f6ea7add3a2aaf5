"""Model files of the official CSRA code, in and out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from engine.api.categories import Categories
from engine.api.config import PAPER_TEMPERATURES, HeadConfig, ModelConfig, PreprocessConfig
from engine.api.errors import CheckpointError, ConfigError, EngineError
from engine.checkpoints.csra_layout import PATCH, Layout, official_head_names, read_layout
from engine.checkpoints.pth_file import PthFile, read_pth, unwrapped
from engine.checkpoints.safetensors_model import Checkpoint, check_trial_forward
from engine.checkpoints.weights import (
    check_weights,
    classifier_to_fill,
    load_exactly,
    read_tensors,
)
from engine.models.backbones import Backbone
from engine.models.classifier import Classifier
from engine.models.positions import resample_positions
from engine.models.registry import BACKBONES, backbone_spec
from engine.records.catalogue import category_list
from engine.records.litter import noted_path
from engine.records.model_record import CheckpointRecord
from engine.records.safetensors_header import looks_like_safetensors, read_header

_LAM = re.compile(r"(?<![a-z])lam(?:bda)?[_=-]?(\d{1,3}(?:\.\d{1,6})?)", re.IGNORECASE)
#: How many categories a data set of the paper has → its list.
_LISTS = {20: "voc", 80: "coco", 14: "wider"}
_WIDER = 14
_UNIT: tuple[tuple[float, float, float], ...] = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
_HALF: tuple[tuple[float, float, float], ...] = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_LICENCE = (
    "Not stated in the file. The authors' own weights come from an AGPL-3.0 repository whose "
    "README says: free for academic usage."
)
_NETWORK = "backbone.network."


@dataclass(frozen=True)
class ImportOptions:
    """What a foreign file may not say itself; ``None`` means: as the file says.

    Attributes:
        name: for people; the file's name without its ending.
        lam: λ; else it is read from the file's name (``…_lam0.1_…``).
        categories: else by their number: 20 are VOC's, 80 COCO's, 14 WIDER's.
        input_size: side of the square input in pixels; else that of the positions for a ViT, 448
            for a ResNet. Positions of a ViT are interpolated to it.
        weights_at: which network of several in the file; else averaged weights before others.
        heads: how many the weights must have; it is an error if they have another number.
        is_measured: the file is measured as it is: it is an error if it says another λ.
    """

    name: str | None = None
    lam: float | None = None
    categories: Categories | None = None
    input_size: int | None = None
    weights_at: str | None = None
    heads: int | None = None
    is_measured: bool = False


def import_checkpoint(
    path: Path, options: ImportOptions | None = None
) -> tuple[Classifier, CheckpointRecord]:
    """Read a model file of the official CSRA code.

    Heads, categories, depth and a ViT's size are read from the names and shapes of the weights.

    Args:
        path: a .pth file, or the same weights as safetensors.
        options: what the file does not say.

    Returns:
        The classifier in evaluation mode, float32 on the CPU, and what is known of it.

    Raises:
        CheckpointError: the file is damaged or hostile, is not such a model, or does not say
            something that the options do not say either; ``BackboneOnlyError`` if it has no
            categories.
        ConfigError: an option makes no sense.
    """
    options = options or ImportOptions()
    file = read_csra_checkpoint(path, options.weights_at)
    layout = read_layout(path.name, file.tensors)
    if layout.weight is None:
        raise BackboneOnlyError(path.name, layout.backbone)
    config = _config(path.name, layout, layout.weight, file, options)
    try:
        classifier = classifier_to_fill(config)
    except EngineError as error:
        raise CheckpointError(f"{path.name!r} cannot be used: {error}") from error
    _fill(path.name, classifier, layout, layout.weight)
    check_trial_forward(path.name, classifier)
    return classifier, _record(path, config, layout, file, options)


class BackboneOnlyError(CheckpointError):
    """The file holds the weights of a backbone and no categories.

    Attributes:
        backbone: registry name.
    """

    def __init__(self, name: str, backbone: str) -> None:
        super().__init__(
            f"{name!r} is a backbone ({backbone}) without categories: it cannot tag photos. "
            "A training can start from it: New training in the menu Train."
        )
        self.options = "csra train --init FILE"
        self._name = name
        self.backbone = backbone

    def __reduce__(self) -> tuple[type[BackboneOnlyError], tuple[str, str]]:
        return type(self), (self._name, self.backbone)


def export_official(checkpoint: Checkpoint, path: Path) -> None:
    """Write a model as the official CSRA code saves it: its state dict and nothing else.

    λ, categories and pixels have no place in that layout; keep them in the file's name.

    Raises:
        CheckpointError: the official code has no such model, or the file cannot be written.
    """
    config = checkpoint.record.config
    check_official(checkpoint.record.name, config)
    state = checkpoint.classifier.state_dict()
    tensors = {
        key.removeprefix(_NETWORK): value.clone()
        for key, value in state.items()
        if key.startswith(_NETWORK)
    }
    names = official_head_names(config.head.num_heads, released=config.head.bias)
    for h, name in enumerate(names):
        tensors[f"{name}.weight"] = state["heads.weight"][h, :, :, None, None].clone()
        if config.head.bias:
            tensors[f"{name}.bias"] = state["heads.bias"][h].clone()
    try:
        # An open file, as PyTorch writes the name of a path into the archive.
        with noted_path(path) as temporary, temporary.open("wb") as file:
            torch.save(tensors, file)
    except (OSError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise CheckpointError(f"The model could not be saved to {path}: {reason}.") from error


def read_csra_checkpoint(path: Path, weights_at: str | None = None) -> PthFile:
    """The weights of any file, and its categories if it names them.

    Args:
        path: of the file.
        weights_at: see ``ImportOptions``.

    Raises:
        CheckpointError: the file is damaged or hostile, or holds no weights.
    """
    if not looks_like_safetensors(path):
        return read_pth(path, weights_at)
    read_header(path)
    tensors = read_tensors(path)
    try:
        file = unwrapped(tensors, path.stat().st_size, weights_at)
    except CheckpointError as error:
        raise CheckpointError(f"{path.name!r} cannot be used: {error}.") from error
    check_weights(path.name, file.tensors)
    return file


def _config(
    name: str, layout: Layout, weight: Tensor, file: PthFile, options: ImportOptions
) -> ModelConfig:
    num_heads, num_classes, _ = weight.shape
    if num_heads not in PAPER_TEMPERATURES:
        raise CheckpointError(
            f"{name!r} cannot be used: it has {num_heads} heads, and the paper says temperatures "
            f"only for {', '.join(map(str, PAPER_TEMPERATURES))}."
        )
    lam, _ = stated_lam(name, file, options)
    _check_agreement(name, num_heads, file, options)
    if lam is None:
        raise CheckpointError(
            f"{name!r} does not say its λ, the weight of attention. Import it with its λ (csra "
            "models import FILE --lam 0.1; csra evaluate takes --lam as well), or put that into "
            "its name, for example …_lam0.1.pth."
        )
    return ModelConfig(
        backbone=layout.backbone,
        categories=_categories(name, num_classes, options.categories or file.categories),
        head=HeadConfig(PAPER_TEMPERATURES[num_heads], lam, bias=layout.bias is not None),
        preprocess=_pixels(layout, num_classes, file, options.input_size),
    )


def _check_agreement(name: str, num_heads: int, file: PthFile, options: ImportOptions) -> None:
    """Refuse what the file itself says otherwise."""
    if options.heads is not None and options.heads != num_heads:
        raise CheckpointError(
            f"{name!r} has {_heads_text(num_heads)}, not {options.heads}. Leave out --heads."
        )
    if not options.is_measured or options.lam is None:
        return
    said, who = stated_lam(name, file, replace(options, lam=None))
    if said is not None and said != options.lam:
        raise CheckpointError(
            f"{name!r} says λ = {said:g} ({who}), not {options.lam:g}. Leave out --lam, or import "
            "the file with another λ (csra models import FILE --lam)."
        )


def _heads_text(count: int) -> str:
    return "1 head" if count == 1 else f"{count} heads"


def stated_lam(name: str, file: PthFile, options: ImportOptions) -> tuple[float | None, str]:
    """λ and who says it: the person, else the file's name, else what is in the file."""
    if options.lam is not None:
        return options.lam, "as given"
    named = lambda_in(name)
    if named is not None:
        return named, "from the name of the file"
    return file.lam, "from the settings in the file"


def lambda_in(name: str) -> float | None:
    """λ as the authors write it into the names of files, for example ``…_lam0.1_94.7.pth``."""
    found = _LAM.search(name)
    return None if found is None else float(found[1])


def _categories(name: str, count: int, given: Categories | None) -> Categories:
    if given is not None:
        if len(given) != count:
            raise CheckpointError(
                f"{name!r} tells {count} categories apart, but {len(given)} names are given."
            )
        return given
    if count not in _LISTS:
        raise CheckpointError(
            f"{name!r} tells {count} categories apart and does not say which. Import it with their "
            "names (csra models import FILE --categories NAMES.txt)."
        )
    return category_list(_LISTS[count])


def _pixels(
    layout: Layout, num_classes: int, file: PthFile, input_size: int | None
) -> PreprocessConfig:
    """The pixels that the file says, else those that the official code feeds."""
    is_vit = layout.side is not None
    if is_vit and input_size is not None and input_size % PATCH:
        raise ConfigError(f"The input size of a ViT must be a multiple of {PATCH} pixels.")
    size = input_size or (layout.side * PATCH if layout.side is not None else None)
    official = official_pixels(layout.backbone, num_classes, size)
    mean, std = file.pixels or (official.mean, official.std)
    return replace(official, mean=mean, std=std)


def official_pixels(backbone: str, num_classes: int, input_size: int | None) -> PreprocessConfig:
    """What the official code feeds: −1 to 1 to a ViT for WIDER, 0 to 1 else.

    Args:
        backbone: one of the paper's.
        num_classes: tells the data set.
        input_size: in pixels; ``None`` is the backbone's own.
    """
    is_wider_vit = backbone.startswith("vit_") and num_classes == _WIDER
    mean, std = _HALF if is_wider_vit else _UNIT
    return replace(backbone_spec(backbone).preprocess(input_size), mean=mean, std=std)


def _fill(name: str, classifier: Classifier, layout: Layout, weight: Tensor) -> None:
    _load_network(name, classifier.backbone, layout)
    heads: dict[str, Tensor] = {"weight": weight}
    if layout.bias is not None:
        heads["bias"] = layout.bias
    load_exactly(name, classifier.heads, heads)
    classifier.eval().requires_grad_(requires_grad=False)


def _load_network(name: str, backbone: Backbone, layout: Layout) -> None:
    tensors: Mapping[str, Tensor] = layout.network
    own_positions = backbone.network.state_dict().get("pos_embed")
    if layout.side is not None and own_positions is not None:
        side = int((own_positions.shape[1] - 1) ** 0.5)
        positions = resample_positions(tensors["pos_embed"], side)
        tensors = {**tensors, "pos_embed": positions}
    load_exactly(name, backbone.network, tensors)


def _record(
    path: Path, config: ModelConfig, layout: Layout, file: PthFile, options: ImportOptions
) -> CheckpointRecord:
    head, size = config.head, config.preprocess.input_size
    heads = _heads_text(head.num_heads)
    parts = [
        f"Imported from {path.name!r}: {config.backbone}, {heads}, λ = {head.lam:g} "
        f"({stated_lam(path.name, file, options)[1]}).",
        *file.notes,
    ]
    if file.pixels is not None:
        parts.append("Mean and deviation of pixels are those that the file says.")
    if layout.released:
        parts.append(
            "The heads are named as in the released COCO ViT files, which differ from the "
            "published code; each head's bias is kept, an unused ImageNet classifier left out."
        )
    if layout.side is not None and layout.side * PATCH != size:
        parts.append(
            f"Made for {layout.side * PATCH} pixels; positions are interpolated to {size}."
        )
    if layout.side is not None and file.pixels is None and config.preprocess.mean == _UNIT[0]:
        parts.append(
            "Pixels are fed as 0 to 1, as the official evaluation does for VOC and COCO; the "
            "official demo feeds −1 to 1 to every ViT."
        )
    return CheckpointRecord(
        config,
        name=options.name or path.stem[:100],
        description=" ".join(parts),
        licence=_LICENCE,
        provenance={"imported from": path.name[:200]},
    )


def check_official(name: str, config: ModelConfig) -> None:
    """Refuse a model that the official code has no form for; ``CheckpointError`` says why."""
    head, pixels = config.head, config.preprocess
    is_vit = config.backbone.startswith("vit_")
    feeds = (_UNIT, _HALF) if is_vit else (_UNIT,)
    problems = {
        f"the backbone {config.backbone}": config.backbone not in BACKBONES,
        f"the temperatures {head.temperatures}": head.temperatures
        != PAPER_TEMPERATURES.get(head.num_heads),
        "weights that are not normalised": not head.normalize,
        "standardised features": head.standardize,
        "a bias on a ResNet": head.bias and not is_vit,
        "scores by softmax": head.activation != "sigmoid",
        "letterboxed images": pixels.resize != "squash",
        "these means and deviations of pixels": (pixels.mean, pixels.std) not in feeds,
    }
    reasons = [reason for reason, applies in problems.items() if applies]
    if reasons:
        raise CheckpointError(
            f"{name!r} has no official form: the official code knows no {', no '.join(reasons)}."
        )
