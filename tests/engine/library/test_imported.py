"""Labels that a person took over from files: kept with their source, found by it, undone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.library.filters.evaluation import LibraryView
from engine.library.filters.parser import parse
from engine.library.opening import open_library
from engine.library.schema import MIGRATIONS
from engine.library.values import Verdict, Wish
from tests.engine.library.parts import CATEGORIES, ME, columns_of, files, filled

BEFORE = next(n for n, steps in enumerate(MIGRATIONS) if "decisions_and_imports" in steps[0])


def test_a_library_of_before_keeps_its_decisions_and_takes_imported_labels(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with open_library(path, migrations=MIGRATIONS[:BEFORE]) as old:
        first, second = old.add_images(files(2))
        said = [Wish(first, "dog", Verdict.ACCEPTED), Wish(second, "cat", Verdict.REJECTED)]
        old.decide(said, who="anna", caption="Before")
    before = ((first, "dog", Verdict.ACCEPTED), (second, "cat", Verdict.REJECTED))
    with open_library(path) as library:
        assert library.stored([first, second]).verdicts == before
        library.decide([Wish(first, "cat", Verdict.IMPORTED)], who="anna", caption="Import")
        assert (first, "cat", Verdict.IMPORTED) in library.stored([first]).verdicts
    with open_library(path) as library:
        assert library.undo() is not None
        assert library.stored([first, second]).verdicts == before
        assert library.undo() is not None
        assert library.stored([first, second]).verdicts == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("source:file", [0, 3]),
        ("source:FILE dog", [3]),
        ("source:mine", [1]),
        ("source:person", [1]),
        ("imported:boat", [0]),
        ("added:boat", []),
        ("boat", [0]),
        ("NOT source:file", [1, 2]),
    ],
)
def test_imported_labels_are_found_by_their_source(
    tmp_path: Path, text: str, found: list[int]
) -> None:
    with open_library(tmp_path / "library.db") as library:
        ids = filled(library)
        said = [
            Wish(ids[0], "boat", Verdict.IMPORTED),
            Wish(ids[1], "dog", Verdict.ACCEPTED),
            Wish(ids[2], "dog", Verdict.REJECTED),
            Wish(ids[3], "dog", Verdict.IMPORTED),
        ]
        library.decide(said, who=ME, caption="Import")
        view = LibraryView(columns_of(library), np.full(len(CATEGORIES), 0.5, np.float32))
    assert np.flatnonzero(view.rows(parse(text))).tolist() == found
