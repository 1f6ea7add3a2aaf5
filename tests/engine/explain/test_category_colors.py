from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.api.vocabulary import everyday
from engine.explain.category_colors import CATEGORY_COLORS, colors_of
from engine.explain.oklab import to_oklab

#: What is just noticed in Oklab is some 0.02.
LEAST_APART, LEAST_APART_IF_COLOR_BLIND = 0.15, 0.075
#: Machado, Oliveira and Fernandes (2009), whole dichromacy, of linear RGB.
VISIONS = {
    "usual": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def linear(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def seen(vision: str) -> NDArray[np.float64]:
    """The colours in Oklab, as somebody sees them."""
    light = np.clip(linear(CATEGORY_COLORS / 255.0) @ VISIONS[vision].T, 0.0, 1.0)
    srgb = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return to_oklab(srgb)


@pytest.mark.parametrize("vision", VISIONS)
def test_all_colours_are_told_apart_with_any_colour_vision(vision: str) -> None:
    least = LEAST_APART if vision == "usual" else LEAST_APART_IF_COLOR_BLIND
    for one, other in combinations(seen(vision), 2):
        assert np.linalg.norm(one - other) > least


def test_up_to_eight_of_any_categories_together_have_colours_of_their_own() -> None:
    random, names = np.random.default_rng(0), everyday().names
    for count in (2, 4, 8) * 100:
        together = [names[place] for place in random.choice(len(names), count, replace=False)]
        assert len(set(colors_of(together))) == count


def test_each_category_has_its_colour_wherever_that_is_free() -> None:
    names = everyday().names
    alone = {name: colors_of([name])[0] for name in names}
    assert colors_of(["DOG"]) == colors_of(["dog"]), "however it is spelled"
    for name in ("cat", "car", "boat"):
        first, _second = colors_of([name, "dog"])
        assert first == alone[name]
    shares = Counter(alone.values())
    assert set(shares) == set(range(len(CATEGORY_COLORS)))
    assert max(shares.values()) < 2 * len(names) / len(CATEGORY_COLORS), "none is preferred"


def test_who_comes_later_takes_what_is_least_like_the_others() -> None:
    names = everyday().names
    color = colors_of(["dog"])[0]
    twin = next(name for name in names if name != "dog" and colors_of([name]) == (color,))
    first, second = colors_of(["dog", twin])
    assert first == color
    lab = seen("usual")
    distances = [np.linalg.norm(lab[place] - lab[color]) for place in range(len(lab))]
    assert second == int(np.argmax(distances))
    assert colors_of([twin], {"dog": first, twin: second}) == (second,), "it keeps it alone, too"
    assert colors_of(["dog", twin], {twin: color}) == (second, color)


@pytest.mark.parametrize("photo", [0x1C, 0x00])
def test_colours_are_seen_on_the_ground_around_photos(photo: int) -> None:
    light = linear(CATEGORY_COLORS / 255.0) @ np.array([0.2126, 0.7152, 0.0722])
    ground = float(linear(np.array([photo / 255.0]))[0])
    assert ((light + 0.05) / (ground + 0.05) > 3).all()
