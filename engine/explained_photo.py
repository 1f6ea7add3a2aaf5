"""One photo with what a model saw in it, and the files that are made of that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from engine.atomic import atomic_path
from engine.drawn_maps import DrawingSettings, contact_sheet, draw_map, style_for
from engine.errors import DataError
from engine.evidence import activate, logits, map_of
from engine.output_names import OutputNames
from engine.render import OverlayStyle
from engine.texts import display_path
from engine.values import (
    FloatArray,
    ModelInfo,
    PixelArray,
    PositionScores,
    ranked_labels,
)

# Photos hardly get smaller with more effort, and it is most of the time that writing takes.
_PNG_EFFORT = 3


@dataclass(frozen=True, eq=False)
class ExplainedPhoto:
    """A photo, what the model said of it, and which maps of it are wanted.

    Attributes:
        pixels: (h, w, 3) uint8, upright, scaled, without padding.
        position_scores: of the same image.
        model: that said so.
        shown: indices of the categories whose maps are wanted.
        settings: how they are drawn.
        logits: (C,) float32.
        scores: (C,) float32 in [0, 1].
        style: the scale that all its maps share.
    """

    pixels: PixelArray
    position_scores: PositionScores
    model: ModelInfo
    shown: tuple[int, ...]
    settings: DrawingSettings
    logits: FloatArray
    scores: FloatArray
    style: OverlayStyle

    @classmethod
    def of(
        cls,
        pixels: PixelArray,
        position_scores: PositionScores,
        model: ModelInfo,
        wanted: Sequence[int] | None,
        settings: DrawingSettings,
    ) -> ExplainedPhoto:
        """Compute what there is to say.

        Args:
            pixels: see the class.
            position_scores: of the same image.
            model: that said so.
            wanted: indices of categories; ``None`` is every label that reaches the threshold,
                best first.
            settings: how maps are drawn.
        """
        all_logits = logits(position_scores)
        scores = activate(all_logits, position_scores.activation)
        if wanted is None:
            labels = ranked_labels(scores, model.categories, settings.threshold)
            wanted = [model.categories.index_of(label.category) for label in labels]
        style = style_for(position_scores, settings)
        return cls(
            pixels, position_scores, model, tuple(wanted), settings, all_logits, scores, style
        )

    @property
    def path(self) -> Path:
        """The image, as it was given."""
        return self.position_scores.path

    def caption(self, category: int) -> str:
        """The name of a category and its score."""
        return f"{self.model.categories[category]} {self.scores[category]:.0%}"

    def drawn(self, category: int, pixels: PixelArray | None = None) -> PixelArray:
        """The photo, or the same in another size, with the map of a category over it."""
        photo = self.pixels if pixels is None else pixels
        return draw_map(photo, self.position_scores, category, self.settings, self.style)


def write_overlays(photo: ExplainedPhoto, names: OutputNames) -> list[Path]:
    """One PNG per category: the photo with its map.

    Raises:
        DataError: a file cannot be written; also below.
    """
    targets = []
    for category in photo.shown:
        parts = (photo.model.categories[category], photo.settings.kind.value)
        target = names.take(photo.path, parts, ".png")
        _save_png(target, Image.fromarray(photo.drawn(category)))
        targets.append(target)
    return targets


def write_sheet(photo: ExplainedPhoto, names: OutputNames) -> list[Path]:
    """The photo and all its maps side by side in one PNG; nothing without a map."""
    if not photo.shown:
        return []
    tiles = [("photo", photo.pixels)]
    tiles += [(photo.caption(category), photo.drawn(category)) for category in photo.shown]
    target = names.take(photo.path, ("sheet",), ".png")
    _save_png(target, contact_sheet(tiles))
    return [target]


def write_arrays(photo: ExplainedPhoto, names: OutputNames) -> list[Path]:
    """The numbers: the maps on the model's grid, and all that any map can be computed from."""
    position_scores = photo.position_scores
    kind, content = photo.settings.kind, position_scores.content
    maps = [map_of(position_scores, category, kind) for category in photo.shown]
    grid = position_scores.values.shape[2:]
    arrays: dict[str, Any] = {
        "kind": np.array(kind.value),
        "maps": np.stack(maps) if maps else np.zeros((0, *grid), np.float32),
        "shown": np.array([photo.model.categories[c] for c in photo.shown], dtype=np.str_),
        "position_scores": position_scores.values,
        "temperatures": np.array(position_scores.temperatures),
        "lam": np.array(position_scores.lam),
        "activation": np.array(position_scores.activation),
        "categories": np.array(tuple(photo.model.categories), dtype=np.str_),
        "logits": photo.logits,
        "scores": photo.scores,
        "content": np.array([content.left, content.top, content.right, content.bottom]),
        "size": np.array([position_scores.width, position_scores.height]),
        "model": np.array(photo.model.id),
    }
    target = names.take(photo.path, ("maps",), ".npz")
    # Through an open file: given a name, NumPy would add its own suffix to it.
    _save(target, lambda file: np.savez_compressed(file, **arrays))
    return [target]


def _save_png(target: Path, image: Image.Image) -> None:
    _save(target, lambda file: image.save(file, "PNG", compress_level=_PNG_EFFORT))


def _save(target: Path, fill: Callable[[BinaryIO], None]) -> None:
    try:
        with atomic_path(target) as temporary, temporary.open("wb") as file:
            fill(file)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{display_path(target)} could not be written: {reason}.") from error
