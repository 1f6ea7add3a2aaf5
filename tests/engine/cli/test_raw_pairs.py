"""``tag`` on photos of phones and cameras."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import cli
from tests.engine.heif_files import HEIF_FILES
from tests.engine.images import save_image
from tests.engine.raw_files import write_dng
from tests.engine.tiny_models import save_tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("model") / "tiny.safetensors")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_image(tmp_path / "a.jpg")
    write_dng(tmp_path / "a.dng")
    write_dng(tmp_path / "b.DNG")
    shutil.copy(HEIF_FILES / "plain.heic", tmp_path / "c.HEIC")
    (tmp_path / "d.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(500))
    return tmp_path


Tag = Callable[..., tuple[int, str, str]]


@pytest.fixture
def tagged(model: Path, capsys: pytest.CaptureFixture[str]) -> Tag:
    """Run ``tag``; its status, and what it writes and says."""

    def run(*arguments: object) -> tuple[int, str, str]:
        status = cli.run(["tag", "--device", "cpu", "--model", *map(str, (model, *arguments))])
        return status, *capsys.readouterr()

    return run


def test_a_pair_is_one_row_that_names_both_files(folder: Path, tagged: Tag) -> None:
    _, out, said = tagged(folder)
    rows = {Path(row["path"]).name: row for row in map(json.loads, out.splitlines())}

    assert list(rows) == ["a.jpg", "b.DNG", "c.HEIC", "d.heic"]
    assert rows["a.jpg"]["other_files"] == [str(folder / "a.dng")]
    assert [name for name, row in rows.items() if row["error"]] == ["d.heic"]
    assert "other_files" not in rows["b.DNG"]
    assert "3 of 4 photos tagged, 1 could not be read (1 HEIC)." in said


def test_csv_and_table_name_both_too(folder: Path, tagged: Tag) -> None:
    _, out, _ = tagged(folder / "a.jpg", folder / "a.dng", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert {row["other_files"] for row in rows} == {"a.dng"}

    _, out, _ = tagged(folder / "a.jpg", folder / "a.dng", "--format", "table")
    assert "a.jpg +DNG" in out


def test_they_are_counted_apart_when_that_is_wished(folder: Path, tagged: Tag) -> None:
    _, out, _ = tagged(folder, "--separate-raw", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))

    assert "other_files" not in rows[0]
    assert {"a.jpg", "a.dng"} < {Path(row["path"]).name for row in rows}
