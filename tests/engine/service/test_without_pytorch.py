"""What only tags never waits for PyTorch."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.resources import resource_path
from tests.paths import ROOT

# PyTorch, and what only makes networks of another kind.
_SELDOM = {"onnx", "timm", "torch", "torchvision"}
_RUN = """
import sys
from engine import cli
status = cli.run({arguments!r})
heavy = sorted({{name.split(".")[0] for name in sys.modules}} & {seldom})
sys.stderr.write(f"heavy: {{heavy}} {{status}}")
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["tag", str(resource_path("samples", "cat.jpg"))],
        ["explain", str(resource_path("samples", "cat.jpg")), "--output", "{folder}"],
        ["evaluate", "--dataset", "folder", "--data", "{data}", "--split", "val", "--no-keep"],
        ["models", "list"],
        ["models", "show", "csra-lite0-voc"],
    ],
    ids=lambda arguments: "-".join(arguments[:2])[:14],
)
def test_a_label_needs_no_pytorch(tmp_path: Path, arguments: list[str]) -> None:
    data = tmp_path / "data"
    if "{data}" in arguments:
        for split, category in (("val", "cat"), ("val", "dog")):
            (data / split / category).mkdir(parents=True)
            shutil.copy(resource_path("samples", "cat.jpg"), data / split / category / "x.jpg")
    arguments = [one.format(folder=tmp_path / "maps", data=data) for one in arguments]
    code = _RUN.format(arguments=arguments, seldom=_SELDOM)
    environment = {"CSRA_GUI_DATA": str(tmp_path), "CUDA_VISIBLE_DEVICES": "", "PATH": "/usr/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.stderr.endswith("heavy: [] 0"), done.stderr
