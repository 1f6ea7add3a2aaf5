"""One photo with what a model saw in it, and the files that are made of that: NumPy and Pillow.

For a front end: ``ExplainedPhoto.of`` pixels and position scores, then ``save_overlay``,
``save_map``, ``save_arrays`` or ``save_sheet`` under a name of its choice; ``save_page`` of
``engine.report.explanations`` puts several photos into one page. The ``write_…`` functions do the
same under names that clash with nothing. All are for a worker: drawing a large photo takes a while.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from engine.api.errors import DataError
from engine.api.label_measures import least_scores
from engine.api.label_names import SHIPPED_NAMES, shown_label
from engine.api.values import (
    DEFAULT_THRESHOLD,
    FloatArray,
    ModelInfo,
    PixelArray,
    PositionScores,
    ranked_labels,
)
from engine.atomic import atomic_path
from engine.explain.drawn_maps import DrawingSettings, contact_sheet, draw_map, style_for
from engine.explain.evidence import activate, logits, map_of
from engine.explain.following import following
from engine.explain.output_names import OutputNames
from engine.explain.render import OverlayStyle
from engine.texts import display_path, reason_text

# Photos hardly get smaller with more effort, and it is most of the time that writing takes.
_PNG_EFFORT = 3


@dataclass(frozen=True, eq=False)
class ExplainedPhoto:
    """A photo, what the model said of it, and which maps of it are wanted.

    Attributes:
        pixels: (h, w, 3) uint8, upright, scaled, without padding.
        position_scores: of the same image; what follows from a kind has those of the kind.
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
            pixels: (h, w, 3) uint8, upright, without padding.
            position_scores: of the same image.
            model: that said so.
            wanted: indices of categories; ``None`` is every label that reaches the threshold,
                best first.
            settings: how maps are drawn.
        """
        position_scores = following(position_scores, model.parents)
        all_logits = logits(position_scores)
        scores = activate(all_logits, position_scores.activation)
        if wanted is None:
            least = least_scores(model.measures, settings.threshold, DEFAULT_THRESHOLD)
            labels = ranked_labels(scores, model.categories, least)
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
        """The name and the score of ``category``, an index, and the kind that it follows from."""
        kind = self.follows_from(category)
        name = shown_label(self.model.categories[category])
        reason = f" (follows from {shown_label(kind)})" if kind else ""
        return f"{name} {self.scores[category]:.0%}{reason}"

    def follows_from(self, category: int) -> str | None:
        """The kind whose map and numbers ``category`` has; ``None`` if they are its own."""
        kind = self.position_scores.follows.get(category)
        return None if kind is None else self.model.categories[kind]

    def drawn(self, category: int, pixels: PixelArray | None = None) -> PixelArray:
        """The photo with the map of a category over it: (h, w, 3) uint8.

        Args:
            category: its index.
            pixels: (h, w, 3) uint8, the same photo in another size; ``None`` is the photo.
        """
        photo = self.pixels if pixels is None else pixels
        return draw_map(photo, self.position_scores, category, self.settings, self.style)


def save_overlay(photo: ExplainedPhoto, category: int, target: Path) -> None:
    """The photo with the map of a category, as PNG.

    Raises:
        DataError: a file cannot be written; also below.
    """
    _save_png(target, Image.fromarray(photo.drawn(category)))


def save_map(photo: ExplainedPhoto, category: int, target: Path) -> None:
    """The map of a category on the model's grid as NPY: (h, w) float32, values as they are."""
    values = map_of(photo.position_scores, category, photo.settings.kind)
    _save(target, lambda file: np.save(file, values))


def save_sheet(photo: ExplainedPhoto, target: Path) -> None:
    """The photo and all its maps side by side, as PNG."""
    tiles = [("photo", photo.pixels)]
    tiles += [(photo.caption(category), photo.drawn(category)) for category in photo.shown]
    _save_png(target, contact_sheet(tiles))


def save_arrays(photo: ExplainedPhoto, target: Path) -> None:
    """All numbers as NPZ: ``arrays_of``."""
    arrays = arrays_of(photo)
    # Through an open file: given a name, NumPy would add its own suffix to it.
    _save(target, lambda file: np.savez_compressed(file, **arrays))


def write_overlays(photo: ExplainedPhoto, names: OutputNames) -> list[Path]:
    """One PNG per category: the photo with its map.

    Raises:
        DataError: a file cannot be written; also below.
    """
    return _write_each(photo, names, ".png", save_overlay)


def write_maps(photo: ExplainedPhoto, names: OutputNames) -> list[Path]:
    """One NPY per category: its map on the model's grid."""
    return _write_each(photo, names, ".npy", save_map)


def write_sheet(photo: ExplainedPhoto, names: OutputNames) -> list[Path]:
    """The photo and all its maps side by side in one PNG; nothing without a map."""
    if not photo.shown:
        return []
    target = names.take(photo.path, ("sheet",), ".png")
    save_sheet(photo, target)
    return [target]


def write_arrays(photo: ExplainedPhoto, names: OutputNames) -> list[Path]:
    """The numbers in one NPZ."""
    target = names.take(photo.path, ("maps",), ".npz")
    save_arrays(photo, target)
    return [target]


def arrays_of(photo: ExplainedPhoto) -> dict[str, Any]:
    """The maps on the model's grid, and all that any map can be computed from; no pickles.

    Returns:
        ``kind``; ``maps`` (K, h, w) of the categories ``shown`` (K,); ``scale``, the ends of the
        colour scale that all maps of the photo share, and ``threshold``; ``position_scores``
        (num_heads, C, h, w) with ``temperatures`` (num_heads,), ``lam`` and ``activation``;
        ``categories``, ``labels`` (how they are called), ``logits`` and ``scores`` (C,);
        ``follows_from`` (C,), the kind whose values a category has, empty where they are its own;
        ``content``, the part of the grid that the photo covers (left, top, right, bottom, in
        fractions); ``size``, width and height of the upright photo in pixels; ``model``, its id.
    """
    position_scores = photo.position_scores
    kind, content = photo.settings.kind, position_scores.content
    maps = [map_of(position_scores, category, kind) for category in photo.shown]
    grid = position_scores.values.shape[2:]
    return {
        "kind": np.array(kind.value),
        "scale": np.array([photo.style.low, photo.style.high]),
        "threshold": np.array(photo.settings.threshold),
        "maps": np.stack(maps) if maps else np.zeros((0, *grid), np.float32),
        "shown": np.array([photo.model.categories[c] for c in photo.shown], dtype=np.str_),
        "position_scores": position_scores.values,
        "temperatures": np.array(position_scores.temperatures),
        "lam": np.array(position_scores.lam),
        "activation": np.array(position_scores.activation),
        "categories": np.array(tuple(photo.model.categories), dtype=np.str_),
        "labels": np.array(list(map(SHIPPED_NAMES.label, photo.model.categories)), dtype=np.str_),
        "follows_from": np.array(
            [photo.follows_from(c) or "" for c in range(len(photo.model.categories))], dtype=np.str_
        ),
        "logits": photo.logits,
        "scores": photo.scores,
        "content": np.array([content.left, content.top, content.right, content.bottom]),
        "size": np.array([position_scores.width, position_scores.height]),
        "model": np.array(photo.model.id),
    }


def _write_each(
    photo: ExplainedPhoto,
    names: OutputNames,
    suffix: str,
    save: Callable[[ExplainedPhoto, int, Path], None],
) -> list[Path]:
    targets = []
    for category in photo.shown:
        parts = (photo.model.categories[category], photo.settings.kind.value)
        targets.append(names.take(photo.path, parts, suffix))
        save(photo, category, targets[-1])
    return targets


def _save_png(target: Path, image: Image.Image) -> None:
    _save(target, lambda file: image.save(file, "PNG", compress_level=_PNG_EFFORT))


def _save(target: Path, fill: Callable[[BinaryIO], None]) -> None:
    try:
        with atomic_path(target) as temporary, temporary.open("wb") as file:
            fill(file)
    except OSError as error:
        reason = reason_text(error)
        raise DataError(f"{display_path(target)} could not be written: {reason}.") from error
