"""A page of photos with their maps and the numbers behind each label: nothing is loaded."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from markupsafe import Markup
from PIL import Image

from engine.api.errors import DataError
from engine.api.geometry import fitted_size
from engine.api.label_names import shown_label
from engine.api.values import PixelArray
from engine.explain.evidence import MapKind
from engine.explain.explained_photo import ExplainedPhoto
from engine.explain.explanation import explanation
from engine.records.litter import noted_path
from engine.report.templates import finished_markup, render
from engine.texts import display_path, reason_text

_SIDE = 480
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)


@contextmanager
def open_page(
    model_name: str, kind: MapKind, target: Path, note: str = ""
) -> Generator[Callable[[ExplainedPhoto], None], None, None]:
    """A page to add photos to, one after the other; it takes its name when all are written.

    Args:
        model_name: for the title.
        kind: of all maps.
        target: ends in ``.html``.
        note: a sentence about all photos, such as what was left out.

    Raises:
        DataError: it cannot be written.
    """
    css = finished_markup("report.css")
    try:
        with noted_path(target) as temporary, temporary.open("w", encoding="utf-8") as file:
            start = render(
                "explanations_start.html", model=model_name, kind=kind, note=note,
                policy=_POLICY, css=css,
            )  # fmt: skip
            file.write(f"{start}\n")

            def add(photo: ExplainedPhoto) -> None:
                file.write(f"{_section(photo)}\n")

            yield add
            file.write("</main></body></html>\n")
    except OSError as error:
        reason = reason_text(error)
        raise DataError(f"{display_path(target)} could not be written: {reason}.") from error


def _section(photo: ExplainedPhoto) -> Markup:
    """One photo with its maps and the numbers behind them."""
    small = _scaled(photo.pixels)
    settings, model, scores = photo.settings, photo.model, photo.position_scores
    labels = [
        {
            "name": shown_label(model.categories[c]),
            "score": float(photo.scores[c]),
            "follows_from": shown_label(kind) if (kind := photo.follows_from(c)) else "",
            "drawn": photo.drawn(c, small),
            "why": explanation(scores, c, settings.threshold, model.calibration),
        }
        for c in photo.shown
    ]
    return render(
        "explained_photo.html",
        name=photo.path.name,
        pixels=small,
        labels=labels,
        style=photo.style,
        lam=scores.lam,
        is_calibrated=model.calibration is not None,
    )


def _scaled(pixels: PixelArray) -> PixelArray:
    image = Image.fromarray(pixels)
    size = fitted_size(image.width, image.height, _SIDE)
    return pixels if size == image.size else np.asarray(image.resize(size, reducing_gap=2.0))
