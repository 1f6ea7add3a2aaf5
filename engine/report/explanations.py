"""A page of photos with their maps and the numbers behind each label: nothing is loaded."""

from __future__ import annotations

import base64
import io
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import numpy as np
from PIL import Image

from engine.api.errors import DataError
from engine.api.geometry import fitted_size
from engine.api.values import PixelArray
from engine.atomic import atomic_path
from engine.explain.evidence import MapKind
from engine.explain.explained_photo import ExplainedPhoto
from engine.explain.explanation import explanation
from engine.report.markup import Child, Html, element, from_data, joined, note, table
from engine.resources import resource_path
from engine.texts import display_path

_SIDE, _JPEG_QUALITY = 480, 85
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)
_KINDS = {
    MapKind.LOCAL_PROBABILITY: (
        "Local probability: the score that the whole photo would get if it looked everywhere as "
        "it does there. One scale, 0 to 1, for all photos; below the threshold the photo is "
        "untouched, and the line is where the map crosses it."
    ),
    MapKind.EVIDENCE: (
        "Evidence: what each place adds to the logit; red speaks for the label, blue against it. "
        "One scale for all maps of a photo."
    ),
    MapKind.SCORE: (
        "Score map: the position scores of all heads added (the class activation map). One scale "
        "for all maps of a photo."
    ),
    MapKind.ATTENTION: (
        "Attention: where the heads look, as a multiple of looking everywhere alike. It is no "
        "evidence: a category that is absent has attention as well."
    ),
}


def save_page(
    photos: Iterable[ExplainedPhoto], model_name: str, kind: MapKind, target: Path
) -> None:
    """One page of several photos with their labels and maps; whole or not at all.

    Args:
        photos: drawn one after the other, so a generator need not hold them all in memory.
        model_name: for the title.
        kind: of all maps.
        target: ends in ``.html``.

    Raises:
        DataError: it cannot be written.
    """
    with open_page(model_name, kind, target) as page:
        for photo in photos:
            page.write(photo_section(photo) + "\n")


@contextmanager
def open_page(model_name: str, kind: MapKind, target: Path) -> Generator[TextIO, None, None]:
    """A page to write ``photo_section`` to, which takes its name when all is written.

    Raises:
        DataError: it cannot be written.
    """
    try:
        with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8") as file:
            file.write(_page_start(model_name, kind))
            yield file
            file.write("</main></body></html>\n")
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{display_path(target)} could not be written: {reason}.") from error


def _page_start(model_name: str, kind: MapKind) -> str:
    title = f"Maps by {from_data(model_name)}"
    css = Html(resource_path("report", "report.css").read_text(encoding="utf-8"))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", css),
    )
    above = joined([element("h1", title), note(_KINDS[kind])])
    return f'<!DOCTYPE html>\n<html lang="en">{head}<body><main>{above}\n'


def photo_section(photo: ExplainedPhoto) -> Html:
    """One photo with its maps and the numbers behind them."""
    small = _scaled(photo.pixels)
    figures = [_figure(small, "photo", None)]
    figures += [
        _figure(photo.drawn(category, small), photo.model.categories[category], category_score)
        for category, category_score in ((c, float(photo.scores[c])) for c in photo.shown)
    ]
    name = from_data(photo.path.name)
    return element(
        "section",
        element("h2", name),
        element("div", *figures, class_="gallery"),
        note(f"Scale of the maps: {photo.style.low:.3g} to {photo.style.high:.3g}."),
        _numbers(photo) if photo.shown else note("No label reaches the threshold."),
    )


def _figure(pixels: PixelArray, name: str, score: float | None) -> Html:
    height, width = pixels.shape[:2]
    image = element("img", src=_jpeg(pixels), alt=name, width=width, height=height)
    caption = element(
        "figcaption",
        element("strong", name),
        None if score is None else element("span", f"{score:.3f}", class_="value"),
    )
    shown = element("div", image, class_="shot")
    return element("figure", shown, caption, style=f"--shape:{width / height:.4f}")


def _numbers(photo: ExplainedPhoto) -> Html:
    lam = f"{photo.position_scores.lam:g}"
    heads = ["Category", "Base", f"λ · attention (λ = {lam})", "Logit", "Score", "Label"]
    if photo.model.calibration is not None:
        heads.append("Right, of 100 such")
    return table(heads, _rows(photo), caption="Why: base + λ · attention = logit → score")


def _rows(photo: ExplainedPhoto) -> Iterator[tuple[Child, ...]]:
    for category in photo.shown:
        threshold, calibration = photo.settings.threshold, photo.model.calibration
        why = explanation(photo.position_scores, category, threshold, calibration)
        right = () if why.right_of_100 is None else (f"about {why.right_of_100}",)
        yield (
            photo.model.categories[category],
            f"{sum(head.base for head in why.heads):+.3f}",
            f"{sum(head.weighted for head in why.heads):+.3f}",
            f"{why.logit:+.3f}",
            f"{why.score:.3f}",
            "yes" if why.is_label else "no",
            *right,
        )


def _scaled(pixels: PixelArray) -> PixelArray:
    image = Image.fromarray(pixels)
    size = fitted_size(image.width, image.height, _SIDE)
    return pixels if size == image.size else np.asarray(image.resize(size, reducing_gap=2.0))


def _jpeg(pixels: PixelArray) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
