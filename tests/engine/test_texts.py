from __future__ import annotations

import math
import os

import pytest

from engine.texts import (
    about,
    change,
    duration,
    fold,
    fold_all,
    gib,
    megabytes,
    number,
    percent,
    photos_text,
    rate_text,
    remaining_text,
    sure_percent,
    whole_percent,
    without_home,
)


@pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")
@pytest.mark.parametrize(
    ("home", "text", "told"),
    [
        ("/home/ann", "no /home/ann/a b.jpg, no '/home/ann'", "no ~/a b.jpg, no '~'"),
        ("/home/ann", "/home/anna/x /home/ann-2", "/home/anna/x /home/ann-2"),
        ("/home/a+n", "/home/a+n/x", "~/x"),
        ("/", "/usr/lib", "/usr/lib"),
    ],
)
def test_a_text_for_others_names_no_home(
    monkeypatch: pytest.MonkeyPatch, home: str, text: str, told: str
) -> None:
    monkeypatch.setenv("HOME", home)
    assert without_home(text) == told


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
        (14.23, "14.2 photos/s"),
        (1234.5, "1,234 photos/s"),
        (0.04, "0.04 photos/s"),
        (0.0, ""),
        (math.nan, ""),
    ],
)
def test_speed_is_said_with_sensible_digits(rate: float, text: str) -> None:
    assert rate_text(rate) == text


def test_changes_and_durations_read_as_people_say_them() -> None:
    assert change(0.5, 0.512) == "+1.2"
    assert change(0.512, 0.5) == "−1.2"
    assert change(0.5, 0.5) == "±0"
    assert change(None, 0.5) == ""
    assert [duration(s) for s in (40, 125, 12_000)] == ["40 s", "2 min", "3 h 20 min"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2, "about 5 s"), (62, "about 1 min"), (600, "about 10 min"), (9000, "about 2 h 30 min")],
)
def test_a_guess_is_not_finer_than_anybody_can_know(seconds: float, text: str) -> None:
    assert about(seconds) == text


def test_counts_and_sizes_have_their_unit() -> None:
    assert [photos_text(count) for count in (0, 1, 1234)] == ["0 photos", "1 photo", "1,234 photos"]
    assert megabytes(1_234_560_000) == "1,234.6 MB"
    assert [gib(size) for size in (2**20, 3 * 2**29)] == ["1 MB", "1.5 GB"]
    assert [percent(share) for share in (0.9137, None, math.nan)] == ["91.4", "–", "–"]
    assert percent(0.5, " %") == "50.0 %"
    assert whole_percent(0.876) == "88 %"
    assert [sure_percent(score) for score in (0.123, 0.9997, 1.0)] == [
        "12.3 %",
        "99.9 %",
        "100.0 %",
    ]
    assert sure_percent(0.9999, 0.9998) == "100.0 %"  # beside a threshold that reads so


def test_nothing_that_is_rounded_to_0_has_a_sign_of_its_own() -> None:
    assert [percent(-0.0001, " %"), whole_percent(-0.004), number(-0.0004, 3)] == [
        "0.0 %",
        "0 %",
        "0.000",
    ]
    assert number(-0.0004, 3, signed=True) == "+0.000"
    assert [number(-1.25, 1), number(1234.5, 2, signed=True)] == ["−1.2", "+1,234.50"]
    assert [number(None, 1), number(math.nan, 1), percent(math.inf, " %")] == ["–"] * 3


def test_many_texts_are_folded_as_each_is() -> None:
    strange = ["É.jpg", "e\N{COMBINING ACUTE ACCENT}", "\N{COMBINING ACUTE ACCENT}x", "", "STRASSE"]
    strange += ["straße", "a\nb", "\udc80", "Ω", "\N{ANGSTROM SIGN}"]
    for texts in (strange * 150, [*strange, "a\0b"], [], [""]):
        assert list(fold_all(texts)) == [fold(text) for text in texts]
