from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

from csra_gui.session.photo_files import PhotoFiles
from csra_gui.session.photo_table import PhotoTable
from csra_gui.session.tag_job import kept_predictions
from engine.api.categories import Categories
from engine.api.passing import DISK_AWAY, DISK_FAILS
from engine.api.values import Prediction
from engine.library.opening import open_library
from engine.library.values import LibraryModel, look_at


@pytest.mark.parametrize(
    ("error", "is_noted"), [("It is damaged.", True), (DISK_AWAY, False), (DISK_FAILS, False)]
)
def test_that_a_disk_did_not_answer_is_not_noted_against_the_photo(
    error: str, is_noted: bool, tmp_path: Path
) -> None:
    photo = tmp_path / "a.jpg"
    photo.touch()
    files = _files(photo)
    model = LibraryModel("m", "model", Categories(("cat",)))
    with open_library(tmp_path / "library.db") as library:
        ids = library.add_images([look_at(photo)])  # type: ignore[list-item]
        library.add_model(model)
        found = list(kept_predictions(_failing(photo, error), [0], files, lambda: library))
        assert [one.error for one in found if isinstance(one, Prediction)] == [error]
        assert bool(library.stored(ids, "m").errors) is is_noted


def _files(photo: Path) -> PhotoFiles:
    photos = PhotoTable()
    photos.add([photo], [look_at(photo)])
    return photos.files()


def _failing(photo: Path, error: str) -> Generator[Prediction, None, None]:
    yield Prediction(photo, "m", np.zeros(0, np.float32), error=error)
