from __future__ import annotations

import subprocess
import sys

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
