"""Colours of categories that are looked at together.

There are eight, told apart with any colour vision: those of Okabe and Ito (2008) but black, which
is no light on a photo, and white. More could not be told apart, so categories share them, however
many a model has. The rule:

- A category has a colour of its own, which follows from its name: the same for every photo, model
  and start.
- Where another one that is looked at has it already, the category takes the free colour that is
  farthest from those in use (in Oklab), and keeps it as long as it is looked at.

So no two of up to eight categories together ever have one colour, and none changes its colour
because another one comes or goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zlib import crc32

import numpy as np

from engine.api.values import PixelArray
from engine.explain.oklab import to_oklab
from engine.texts import fold

#: Vermillion, sky blue, yellow, bluish green, reddish purple, blue, orange, white. (8, 3) sRGB.
CATEGORY_COLORS: PixelArray = np.array(
    [
        [0xD5, 0x5E, 0x00],
        [0x56, 0xB4, 0xE9],
        [0xF0, 0xE4, 0x42],
        [0x00, 0x9E, 0x73],
        [0xCC, 0x79, 0xA7],
        [0x00, 0x72, 0xB2],
        [0xE6, 0x9F, 0x00],
        [0xF5, 0xF5, 0xF5],
    ],
    dtype=np.uint8,
)
CATEGORY_COLORS.setflags(write=False)


def colors_of(names: Sequence[str], kept: Mapping[str, int] | None = None) -> tuple[int, ...]:
    """The colours of categories that are looked at together, as places in ``CATEGORY_COLORS``.

    Args:
        names: of the categories, each once, in the order in which they were chosen; at most as
            many as there are colours.
        kept: the colours that some of them have already, each another one.

    Returns:
        One for each name, all different.
    """
    found = {name: place for name, place in (kept or {}).items() if name in names}
    for name in names:
        if name not in found:
            own = crc32(fold(name).encode("utf-8", "surrogatepass")) % len(CATEGORY_COLORS)
            taken = sorted(found.values())
            found[name] = _farthest(taken) if own in taken else own
    return tuple(found[name] for name in names)


def _farthest(taken: Sequence[int]) -> int:
    """The place of the free colour that is least like those that are taken."""
    lab = to_oklab(CATEGORY_COLORS / 255.0)
    distances = np.linalg.norm(lab[:, None] - lab[list(taken)][None], axis=2).min(axis=1)
    return int(distances.argmax())  # of one that is taken it is 0
