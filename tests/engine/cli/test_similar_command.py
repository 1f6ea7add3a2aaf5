"""``similar`` and ``duplicates``, with a tiny but real model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import cli
from engine.library.opening import open_library
from tests.engine.tiny_models import save_tiny_model

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("model") / "tiny.safetensors")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        pixels = rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)
        if name == "b":
            pixels[:] = 40, 90, 200
        Image.fromarray(pixels).save(folder / f"{name}.png")
        if name == "a":
            Image.fromarray(pixels).save(folder / "copy of a.png", compress_level=1)
    (folder / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    return folder


@pytest.fixture
def command(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run one; its status, and what it writes and says."""

    def run(name: str, *arguments: object) -> tuple[int, str, str]:
        own = ["--device", "cpu", "--model", model, "--library", tmp_path / "library.db"]
        return cli.run([name, *map(str, (*arguments, *own))]), *capsys.readouterr()

    return run


def test_photos_come_best_first_without_the_one_itself(folder: Path, command: Command) -> None:
    status, out, said = command("similar", folder / "a.png", folder, "--least", 0)
    rows = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert Path(rows[0]["path"]).name == "copy of a.png"
    assert rows[0]["similarity"] == pytest.approx(1.0, abs=0.01)
    values = [row["similarity"] for row in rows]
    assert values == sorted(values, reverse=True)
    assert "a.png" not in [Path(row["path"]).name for row in rows]
    assert "1 photo could not be read and is not compared." in said
    _, out, _ = command("similar", folder / "a.png", folder, "--limit", 1, "--format", "table")
    assert out.split(maxsplit=1)[1].strip() == str(folder / "copy of a.png")


def test_what_is_known_is_not_looked_at_again(
    folder: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "damaged.png").unlink()
    _, before, _ = command("similar", folder / "a.png", folder, "--least", 0)

    def looked(*_: object) -> None:
        raise AssertionError("a photo is looked at again")

    monkeypatch.setattr("engine.service.local.LocalEngine.predict", looked)
    _, after, _ = command("similar", folder / "a.png", folder, "--least", 0)
    assert after == before


def test_near_duplicates_are_written_group_by_group(folder: Path, command: Command) -> None:
    status, out, said = command("duplicates", folder)
    groups = [json.loads(line)["paths"] for line in out.splitlines()]
    assert status == 0
    assert [sorted(Path(path).name for path in group) for group in groups] == [
        ["a.png", "copy of a.png"]
    ]
    assert "2 photos in 1 group of near-duplicates." in said


def test_a_library_that_is_open_elsewhere_is_left_alone(
    folder: Path, command: Command, tmp_path: Path
) -> None:
    with open_library(tmp_path / "library.db"):
        status, out, said = command("similar", folder / "a.png", folder)
    assert status == 0
    assert "copy of a.png" in out
    assert "open in another window or command" in said


def test_what_is_not_there_or_cannot_be_read_is_said(folder: Path, command: Command) -> None:
    status, _, said = command("similar", folder / "nothing.png", folder)
    assert (status, "there is no photo" in said) == (2, True)
    status, _, said = command("similar", folder / "damaged.png", folder)
    assert (status, "cannot be read, so nothing is like it" in said) == (1, True)
