from __future__ import annotations

from pathlib import Path
from unicodedata import normalize

import pytest

from engine.data.datasets.registry import load_dataset
from tests.engine.data.datasets.devkits import write_picture


@pytest.mark.parametrize(("listed", "on_disk"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_picture_is_found_however_its_accents_are_written(
    listed: str, on_disk: str, tmp_path: Path
) -> None:
    picture = write_picture(tmp_path / normalize(on_disk, "Zoë.jpg"))  # type: ignore[arg-type]
    write_picture(tmp_path / "plain.jpg")
    name = normalize(listed, "Zoë.jpg")  # type: ignore[arg-type]
    (tmp_path / "labels.csv").write_text(f"{name},cat\nplain.jpg,cat\n", encoding="utf-8")
    images = load_dataset("folder", tmp_path, "all", strict=True)
    assert picture in images.paths and len(images) == 2


def test_both_spellings_side_by_side_are_two_pictures(tmp_path: Path) -> None:
    names = [normalize(form, "Zoë.jpg") for form in ("NFC", "NFD")]  # type: ignore[arg-type]
    for name in names:
        write_picture(tmp_path / name)
    (tmp_path / "labels.csv").write_text("".join(f"{name},cat\n" for name in names))
    images = load_dataset("folder", tmp_path, "all", strict=True)
    assert [path.name for path in images.paths] == names
