"""The tables of ``docs/SCALE.md`` are reckoned from measured rates, not typed."""

from __future__ import annotations

import json

import pytest

from benchmarks import scale
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "SCALE.md").read_text(encoding="utf-8")


def test_the_page_has_what_the_script_prints() -> None:
    assert f"\n{scale.printed()}<!-- end of scale -->" in PAGE


def test_other_assumptions_change_what_follows_from_them() -> None:
    rates = json.loads(scale.RATES.read_text(encoding="utf-8"))
    usual = scale._parser().parse_args([])
    dear = scale._parser().parse_args(["--core-hour", "0.4", "--photo-mb", "40"])
    before, after = (scale.tables(options, rates) for options in (usual, dear))
    assert "photos of 4 MB | 4.0 TB | 4.0 PB" in before
    assert "photos of 40 MB | 40 TB | 40 PB" in after
    assert "at 0.4 a core-hour" in after


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123, "0.012"), (1.0, "1.0"), (94.6, "95"), (123456, "120,000"), (0, "0")],
)
def test_numbers_have_two_digits_that_count(value: float, text: str) -> None:
    assert scale._round(value) == text


def test_a_core_that_takes_a_second_a_photo_takes_as_many_hours_as_it_should() -> None:
    rates = json.loads(scale.RATES.read_text(encoding="utf-8"))
    for found in rates["photos"].values():
        found["processor_s"] = 3.6
    options = scale._parser().parse_args(["--photos", "1e6", "--core-hour", "1"])
    row = "| 12 megapixels | 0.3 | 1,000 | 0.42 | 0.042 | 0.0042 | 1000.00 |"
    assert row in scale.tables(options, rates)
