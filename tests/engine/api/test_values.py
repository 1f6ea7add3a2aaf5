import math
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from engine import atomic
from engine.api.categories import Categories
from engine.api.config import HeadConfig, HeadTrainConfig, PredictConfig, PreprocessConfig
from engine.api.errors import ConfigError
from engine.api.geometry import Box, content_box, fitted_size
from engine.api.values import Label, Prediction
from engine.texts import display_name, display_text
from tests.paths import ROOT

CATEGORIES = Categories(("cat", "dog", "tree"))


def test_labels_are_those_that_reach_the_threshold_best_first():
    prediction = Prediction(Path("x"), "m", np.array([0.5, 0.9, 0.2], np.float32))
    labels = prediction.labels(CATEGORIES, 0.5)
    assert labels == (Label("dog", pytest.approx(0.9)), Label("cat", 0.5))
    assert [x.category for x in prediction.labels(CATEGORIES, (0.6, 0.95, 0.1))] == ["tree"]


def test_an_image_with_an_error_has_no_labels():
    failed = Prediction(Path("x"), "m", np.zeros(0, np.float32), error="broken")
    assert failed.labels(CATEGORIES) == ()


@pytest.mark.parametrize(
    "names", [(), ("a", "a"), ("",), (" ",), ("a\n",), ("a\x00",), ("\u202ea",), ("x" * 201,), (3,)]
)
def test_category_names_that_cannot_be_shown_are_refused(names):
    with pytest.raises(ConfigError):
        Categories(names)


def test_categories_know_their_order():
    assert CATEGORIES.index_of("dog") == 1 and CATEGORIES[1] == "dog" and "dog" in CATEGORIES
    with pytest.raises(ConfigError, match="no category 'horse'"):
        CATEGORIES.index_of("horse")


@pytest.mark.parametrize(
    "make",
    [
        lambda: HeadConfig(()),
        lambda: HeadConfig((0.0,)),
        lambda: HeadConfig((math.nan,)),
        lambda: HeadConfig((1.0,) * 65),
        lambda: HeadConfig(lam=-0.1),
        lambda: HeadConfig(lam=math.inf),
        lambda: PreprocessConfig(0),
        lambda: PreprocessConfig(10**6),
        lambda: PreprocessConfig(resize="stretch"),
        lambda: PreprocessConfig(std=(0.0, 1.0, 1.0)),
        lambda: PreprocessConfig(mean=(math.nan, 0.0, 0.0)),
        lambda: PredictConfig(batch_size=-1),
        lambda: HeadTrainConfig(epochs=0),
        lambda: HeadTrainConfig(learning_rate=math.nan),
    ],
)
def test_settings_that_make_no_sense_are_refused(make):
    with pytest.raises(ConfigError):
        make()


def test_a_scaled_picture_never_loses_a_side():
    assert fitted_size(20_000, 1, 100) == (100, 1)
    assert fitted_size(50, 40, 100) == (50, 40)
    assert content_box(20_000, 1, 64, "letterbox").height == pytest.approx(1 / 64)
    assert content_box(200, 100, 64, "letterbox") == Box(0.0, 0.25, 1.0, 0.75)
    assert content_box(200, 100, 64, "squash") == Box.UNIT


def test_names_that_would_lie_on_screen_are_shown_with_marks():
    assert display_text("a\u202egpj.exe") == "a\ufffdgpj.exe"
    assert display_text("two\nlines\x1b[31m") == "two\ufffdlines\ufffd[31m"
    assert display_text("👩\u200d💻 <b>") == "👩\u200d💻 <b>"
    assert display_name(Path(os.fsdecode(b"bad\xff.jpg"))).startswith("bad\ufffd")


def test_an_atomic_write_that_fails_keeps_the_old_file(tmp_path):
    target = tmp_path / "file.txt"
    atomic.write_text(target, "old")

    def write_half():
        with atomic.atomic_path(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        write_half()
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


@pytest.mark.skipif(os.name == "nt", reason="permission bits and links are POSIX")
def test_an_atomic_write_keeps_permissions_and_follows_links(tmp_path):
    target = tmp_path / "file.txt"
    target.write_text("old")
    target.chmod(0o640)
    link = tmp_path / "link.txt"
    link.symlink_to(target)
    atomic.write_text(link, "new")
    assert link.is_symlink() and target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640


def light_rooms():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (contract,) = (c for c in contracts["contracts"] if "light rooms" in c["name"])
    return contract["source_modules"]


def test_light_rooms_do_not_load_torch():
    script = f"""
import importlib, pkgutil, sys
for room in {light_rooms()}:
    module = importlib.import_module(room)
    for inside in pkgutil.walk_packages(getattr(module, "__path__", []), room + "."):
        importlib.import_module(inside.name)
assert len([name for name in sys.modules if name.startswith("engine.")]) > 80
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)
