from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.paths import ROOT

_IMPORT_ALL = """
import importlib, pkgutil, sys, csra_gui
names = [m.name for m in pkgutil.walk_packages(csra_gui.__path__, "csra_gui.")]
for name in names:
    importlib.import_module(name)
assert len(names) > 20, names
heavy = {"torch", "torchvision", "timm", "httpx2"} & set(sys.modules)
assert not heavy, heavy
"""


def test_no_module_of_the_window_reaches_torch_or_asks_the_network() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT_ALL],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


_START = """
import sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from csra_gui.app import Application
from csra_gui.base.settings import Settings
from tests.fakes import FakeDecoder, FakeEngine

folder = Path(sys.argv[1])
app = QApplication([])
application = Application(FakeEngine, Settings(folder / "settings.ini"), decoder=FakeDecoder())
application.start([folder])
while not application.session.photos.tagged_count():
    app.processEvents()
early = {f"csra_gui.{name}" for name in (
    "evaluation.controller", "evaluation.result_window", "evaluation.start_dialog", "plots.curves",
    "training.controller", "training.training_dialog", "training.new_dialog",
)} & set(sys.modules)
application.window.actions_table["evaluation_results"].trigger()
application.window.actions_table["trainings"].trigger()
late = {"csra_gui.evaluation.result_window", "csra_gui.training.runs_dialog"} - set(sys.modules)
application.window.close()
assert application.shut_down()
assert not early, early
assert not late, late
"""


def test_evaluation_and_training_are_imported_when_they_are_first_used(tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").touch()
    done = subprocess.run(
        [sys.executable, "-c", _START, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "CSRA_GUI_PROFILE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
