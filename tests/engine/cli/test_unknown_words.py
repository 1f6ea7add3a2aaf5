"""What the program says of words that are neither a command nor a file, as a process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.paths import ROOT


def told(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "main.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("predict", "--help"), "no command 'predict'"),
        (("evalute", "--dataset", "voc2007"), "Did you mean csra evaluate?"),
        (("resources/gone.jpg",), "no file or folder"),
        (("resources", "--format", "csv"), "no option '--format'"),
    ],
)
def test_a_mistake_is_an_error_and_no_window(arguments: tuple[str, ...], text: str) -> None:
    done = told(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert text in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("tag", "resources/samples", "--bakend", "onnx"), "(did you mean --backend?)"),
        (("models", "list", "--zz"), "usage: csra models list"),
        (("models", "show", "x", "--zzz"), "unrecognized arguments: --zzz\n"),
        (("tag", "resources/samples", "--device", "gpu"), "'gpu' is none of auto, cpu, cuda"),
    ],
)
def test_a_wrong_option_is_told_at_its_command(arguments: tuple[str, ...], text: str) -> None:
    done = told(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert text in done.stderr
    assert f"usage: csra {arguments[0]}" in done.stderr
