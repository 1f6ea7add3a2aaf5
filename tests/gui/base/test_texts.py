from __future__ import annotations

import math

import pytest

from csra_gui.base.texts import rate_text, remaining_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5.0, "almost done"),
        (0.0, "almost done"),
        (4.0, "about 5 s left"),
        (33.0, "about 35 s left"),
        (57.0, "about 55 s left"),
        (59.0, "about 1 min left"),
        (250.0, "about 4 min left"),
        (3590.0, "about 1 h left"),
        (7900.0, "about 2 h 10 min left"),
        (math.inf, ""),
        (math.nan, ""),
    ],
)
def test_time_left_is_said_as_people_say_it(seconds: float, text: str) -> None:
    assert remaining_text(seconds) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (14.23, "14.2 images/s"),
        (1234.5, "1,234 images/s"),
        (0.04, "0.04 images/s"),
        (0.0, ""),
        (math.nan, ""),
    ],
)
def test_speed_is_said_with_sensible_digits(rate: float, text: str) -> None:
    assert rate_text(rate) == text
