"""What is meant to be shared tells nothing of the person: no home folder, no account, no place."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from engine import cli
from tests.engine.data.datasets.devkits import write_devkit
from tests.engine.tiny_models import TINY_BACKBONE, save_tiny_model
from tests.paths import ROOT

pytestmark = pytest.mark.usefixtures("graphs_made_once")

ACCOUNT = "teresa-telltale"
_GPS, _ARTIST = 0x8825, 0x013B
_PICTURE = re.compile(rb"data:image/[a-z]+;base64,([A-Za-z0-9+/=]+)")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home with a telling name, and labelled photos in it that know who took them where."""
    home = tmp_path / "home" / ACCOUNT
    names = [f"{i:06}" for i in range(12)]
    labels = {name: [(("dog", "cat")[int(name) % 2], False)] for name in names}
    folder = write_devkit(home / "data", labels)
    exif = Image.Exif()
    exif[_ARTIST] = ACCOUNT
    exif[_GPS] = {1: "N", 2: (47.0, 21.0, 36.97), 3: "E", 4: (8.0, 33.0, 11.53)}
    rng = np.random.default_rng(0)
    for name in names:
        picture = Image.fromarray(rng.integers(0, 256, (50, 60, 3), dtype=np.uint8))
        picture.save(folder / "JPEGImages" / f"{name}.jpg", exif=exif)
    with Image.open(folder / "JPEGImages" / "000001.jpg") as saved:
        assert saved.getexif().get_ifd(_GPS)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("CSRA_GUI_DATA", str(home / "own"))
    monkeypatch.setattr("engine.train.start.load_imagenet_weights", lambda backbone, name: None)
    return home


def tells_nothing(*files):
    """Of all that a file holds, also in the pictures within it."""
    for file in files:
        data = file.read_bytes()
        assert data
        for told in (ACCOUNT, str(ROOT)):  # the program may be installed in a home folder, too
            assert told.encode() not in data, file.name
        pictures = [base64.b64decode(found[1]) for found in _PICTURE.finditer(data)]
        if file.suffix in {".png", ".jpg"}:
            pictures.append(data)
        for picture in pictures:
            with Image.open(io.BytesIO(picture)) as opened:
                assert not opened.getexif(), file.name


def run(*arguments):
    assert cli.run([*map(str, arguments)]) == 0


def test_numbers_and_page_of_an_evaluation_tell_nothing(home):
    model = save_tiny_model(home / "tiny.safetensors")
    (home / "out").mkdir()
    data = ("--dataset", "voc2007", "--data", home / "data", "--split", "train")
    pages = ("--json", home / "out" / "x.json", "--html", home / "out" / "x.html")
    run("evaluate", *data, "--model", model, "--device", "cpu", "--resamples", "20", *pages)
    [kept] = (home / "own" / "evaluations").glob("*/run.json")
    tells_nothing(*(home / "out").iterdir(), kept)
    assert b"~/tiny.safetensors" in kept.read_bytes()  # the command, as it can be given again


def test_drawn_maps_tell_nothing(home):
    model, out = save_tiny_model(home / "tiny.safetensors"), home / "out"
    photo = next((home / "data").rglob("000001.jpg"))
    how = ("--categories", "cat", "--format", "png,sheet,html")
    run("explain", photo, "--model", model, "--device", "cpu", "--output", out, *how)
    files = [file for file in out.rglob("*") if file.is_file()]
    assert {file.suffix for file in files} >= {".png", ".html"}
    tells_nothing(*files)


@pytest.mark.slow
def test_trained_and_exported_models_tell_nothing(home):
    out = home / "run"
    run(
        *("train", "--data", home / "data", "--output", out, "--dataset", "voc2007"),
        *("--val-split", "train", "--cache", home / "cache", "--batch-size", "4"),
        *("--preset", "recommended", "--backbone", TINY_BACKBONE, "--input-size", "64"),
        *("--epochs", "1", "--name", "mine"),
    )
    run("models", "export", out / "best.safetensors", "--output", home / "mine.onnx")
    tells_nothing(out / "best.safetensors", home / "mine.onnx")
