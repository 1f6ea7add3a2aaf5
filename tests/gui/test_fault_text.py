"""The text about a fault is there to be sent to others."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from csra_gui.app import FaultReporter
from tests.paths import ROOT


@pytest.mark.usefixtures("qapp")
def test_the_text_about_a_fault_names_no_home_folder(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HOME", str(ROOT))  # where the code lies that the traceback names
    monkeypatch.setenv("USERPROFILE", str(ROOT))
    texts: list[str] = []
    reporter = FaultReporter(texts.append)
    reporter.install()
    try:
        photo = Path.home() / "Pictures" / "party.jpg"
        raise RuntimeError(f"cannot read {photo}")
    except RuntimeError as error:
        sys.excepthook(RuntimeError, error, error.__traceback__)
    finally:
        reporter.uninstall()
    QApplication.processEvents()
    assert "A fault in the program" in caplog.text
    [text] = texts
    assert str(ROOT) not in text
    assert str(Path("~", "Pictures", "party.jpg")) in text
    assert "test_fault_text.py" in text
