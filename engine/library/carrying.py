"""Carrying what one library holds over into another: from a start without the person's own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.api.facts import Fact
from engine.api.values import Prediction
from engine.library.store import Library
from engine.library.values import Attribute, ImageFile, Wish

_CHUNK = 1000
_CAPTION = "What was said before the library was open"


def carry_over(source: Library, target: Library, who: str) -> None:
    """Add images, scores and decisions of one library to another, where they win.

    Args:
        source: is only read.
        target: is written to.
        who: the person that the decisions are of.

    Raises:
        LibraryError: a file or a disk fails; what was carried until then stays.
    """
    files = source.files()
    ids = dict(zip(files, target.add_images(list(files.values())), strict=True))
    for model in source.models():
        target.add_model(model)
        for batch in _predictions(source, files, model.fingerprint):
            target.record_predictions(model.fingerprint, batch)
    stored = source.stored(files)
    wishes = [Wish(ids[image], category, word) for image, category, word in stored.verdicts]
    marks = {ids[image]: True for image in stored.reviewed}
    target.decide(wishes, who=who, caption=_CAPTION, reviewed=marks)
    _carry_attributes(source, target, ids)


def _carry_attributes(source: Library, target: Library, ids: dict[int, int]) -> None:
    alike: dict[tuple[Attribute, str], list[int]] = {}
    for image, said in source.own_attributes(ids).items():
        for attribute, (value, _) in said.items():
            alike.setdefault((attribute, value), []).append(ids[image])
    for (attribute, value), images in alike.items():
        target.rate(images, attribute, value, caption=_CAPTION)


def _predictions(
    source: Library, files: dict[int, ImageFile], fingerprint: str
) -> Iterator[list[Prediction]]:
    stored = source.stored(files, fingerprint)
    facts = {image: Fact(bits) for image, bits in stored.facts}
    for first in range(0, len(stored.scored), _CHUNK):
        part = slice(first, first + _CHUNK)
        yield [
            Prediction(
                files[image].path, fingerprint, scores.astype(np.float32), facts=facts.get(image)
            )
            for image, scores in zip(stored.scored[part].tolist(), stored.scores[part], strict=True)
        ]
