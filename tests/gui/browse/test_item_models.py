from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.browse.photo_details_model import PhotoDetailsModel
from csra_gui.browse.photo_list_model import FilmstripModel, PhotoListModel
from csra_gui.browse.photo_ranges import as_selection, positions_in, runs, spread
from csra_gui.browse.shown_photos_model import ShownPhotosModel
from tests.gui.driver import filter_to


@pytest.mark.parametrize("kind", [PhotoListModel, FilmstripModel, PhotoDetailsModel])
def test_the_item_models_keep_qt_s_rules_while_photos_come_and_go(
    qtbot: QtBot,
    application: Application,
    qtmodeltester: ModelTester,
    photos: Path,
    kind: type[ShownPhotosModel],
) -> None:
    session, thumbnails = application.session, application.window.browse.grid.thumbnails
    model = (
        PhotoDetailsModel(session, application)
        if kind is PhotoDetailsModel
        else kind(session, thumbnails, application)  # type: ignore[call-arg]
    )
    if isinstance(model, PhotoListModel):
        model.set_columns(5)
    qtmodeltester.check(model, force_py=True)
    session.pipeline.add([photos])
    qtbot.waitUntil(lambda: len(session.photos) == 28 and not session.pipeline.is_scanning)
    assert model.count == 28 and model.photo_at(model.index_at(27)) == 27
    session.shown.set_sort("name", descending=True)
    qtbot.waitUntil(lambda: session.shown.row_at(0) != 0)
    assert model.photo_at(model.index_at(0)) == session.shown.row_at(0)
    session.shown.set_sort("found")
    filter_to(qtbot, application, "name:cat*", 14)
    assert model.count == 14 and not model.index_at(14).isValid()
    assert model.photo_at(model.index_at(13)) == int(session.shown.rows[13])
    assert model.index_of(13).isValid() is False  # a dog


def test_a_grid_has_empty_cells_after_the_last_photo(application: Application) -> None:
    model = application.window.browse.grid._model
    model.set_columns(5)
    assert (model.rowCount(), model.columnCount()) == (5, 5)
    assert model.photo_at(model.index(4, 2)) == 22
    empty = model.index(4, 3)
    assert model.photo_at(empty) is None and not model.flags(empty) and empty.data() is None


def test_positions_become_rectangles_and_come_back(application: Application) -> None:
    model = application.window.browse.grid._model
    some = [[], [0], [22], list(range(4, 12)), [0, 2, 3, 21, 22], list(range(23))]
    for columns in (1, 3, 7, 40):
        model.set_columns(columns)
        for positions in some:
            wanted = np.array(positions, dtype=np.int64)
            selection = as_selection(model, wanted)
            assert positions_in(model, selection).tolist() == positions
            assert selection.count() <= 3 * len(runs(wanted))


def test_a_spread_has_both_ends() -> None:
    assert spread(4, 2).tolist() == [2, 3, 4]
