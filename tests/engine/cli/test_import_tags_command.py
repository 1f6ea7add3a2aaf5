"""``csra import-tags``: what would be imported is said first, and stopping keeps whole batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.api.values import Prediction
from engine.cli import import_tags as command
from engine.cli import run
from engine.cli.looks import Origin
from engine.cli.output import JsonLinesWriter
from engine.interchange.importing.tag_values import Refusal, TagProgress
from engine.library.opening import open_library
from engine.library.values import LibraryModel
from engine.records.tag_rows import FileLook
from tests.engine.interchange.importing.tag_parts import (
    MODEL,
    SCORES,
    imported,
    make_photo,
    parquet,
    row,
    scores_in,
    why,
)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    pytest.importorskip("pyarrow")
    photo = make_photo(tmp_path / "here" / "a.jpg")
    look = FileLook.at(photo)
    (tmp_path / "out").mkdir()
    parquet(
        tmp_path / "out" / "part-0.parquet",
        row("/cluster/in/a.jpg", look=look),
        row("/cluster/in/b.jpg", look=look),
        row("/cluster/in/c.jpg", error="It is cut."),
    )
    return tmp_path / "out"


def test_a_dry_run_says_what_would_come_and_the_import_brings_it(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here, place = tmp_path / "here", tmp_path / "l.db"
    start = ["import-tags", str(results), "--library", str(place), "--map", f"/cluster/in={here}"]
    assert run([*start, "--dry-run"]) == 0
    said = capsys.readouterr()
    assert f"/cluster/in/a.jpg → {here / 'a.jpg'}" in said.out
    told = ("1 photo of 3 would get", "Tags by Small: 1", "1 × no such file here", "It is cut.")
    for text in told:
        assert text in said.err
    assert "Nothing was imported." in said.err
    with open_library(place) as library:
        assert library.files() == {}
    assert run(start) == 0
    assert "1 photo of 3 got its tags. New to the library: 1." in capsys.readouterr().err
    with open_library(place) as library:
        assert scores_in(library) == {"a.jpg": list(SCORES)}


def test_relative_paths_begin_in_the_current_folder(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    look = FileLook.at(Path("here/a.jpg"))
    parquet(results / "part-0.parquet", row("here/a.jpg", look=look))
    assert run(["import-tags", "out", "--library", "l.db"]) == 0
    with open_library(tmp_path / "l.db") as library:
        assert scores_in(library) == {"a.jpg": list(SCORES)}


def test_lines_of_json_come_back_checked_by_size_time_and_model(tmp_path: Path) -> None:
    photo, other = make_photo(tmp_path / "a.jpg"), make_photo(tmp_path / "b.jpg")
    with (tmp_path / "r.jsonl").open("w") as file:
        writer = JsonLinesWriter(file, MODEL.name, MODEL.categories, 0.0)
        writer.origin = Origin(MODEL.fingerprint, [photo, other])
        other.write_bytes(b"changed while the first one was read")
        scores = np.array(SCORES, np.float32)
        for path in (photo, other):
            writer.write(Prediction(path, MODEL.fingerprint, scores))
    twin = LibraryModel("another", MODEL.name, MODEL.categories)
    with open_library(tmp_path / "l.db") as library:
        report = imported(library, tmp_path / "r.jsonl", models=(twin, MODEL))
        assert scores_in(library) == {"a.jpg": list(SCORES)}
    assert (report.imported, report.partial) == (1, 0)
    assert why(report) == {Refusal.OTHER_FILE: 1}


def test_whoever_stops_it_hears_how_far_it_came(
    results: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stopped(*_: object):
        yield TagProgress(1, 2, 1000, 999)
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "import_tags", stopped)
    assert run(["import-tags", str(results), "--library", str(tmp_path / "l.db")]) == 130
    assert "999 photos were through, in whole batches." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--map", "/a"], "does not say where"), (["--check", "size"], "invalid choice")],
)
def test_options_that_make_no_sense_are_refused(
    results: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert run(["import-tags", str(results), *options]) != 0
    assert message in capsys.readouterr().err
