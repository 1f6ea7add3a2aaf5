"""Every job of the program, started and cancelled at any moment, fifty times: nothing is left."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from csra_gui.app import Application
from csra_gui.base.settings import Settings
from tests.e2e.cycled_jobs import REAL, download_job, tagging_job, write_job
from tests.e2e.cycled_program import Rig, rigged
from tests.e2e.cycling import Figures, cycle
from tests.engine.downloads.download_server import file_route, serving
from tests.fakes import FakeDecoder, FakeEngine

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="counts what /proc says"),
    pytest.mark.timeout(3600),
]
CYCLES = int(os.environ.get("CSRA_CYCLES", "50"))
QUICK, QUICK_COUNT = 3, 6


@pytest.fixture
def small_rig(files: Path, settings: Settings, qapp: QApplication) -> Iterator[Rig]:
    """The same with an engine that only plays."""
    engine = FakeEngine()
    application = Application(lambda: engine, settings, decoder=FakeDecoder())
    yield rigged(files, application, QUICK_COUNT, "-cat.jpg")
    application.window.close()
    assert application.shut_down()


def note(figures: Figures) -> None:
    """For whoever runs it to see (-s), and to keep where ``CSRA_CYCLES_TABLE`` says."""
    print(figures.row(), flush=True)
    if table := os.environ.get("CSRA_CYCLES_TABLE"):
        with Path(table).open("a", encoding="utf-8") as file:
            file.write(figures.row() + "\n")


@pytest.mark.slow
def test_jobs_that_are_cancelled_again_and_again_leave_nothing(rig: Rig) -> None:
    """All in one program, one after the other; what is wrong with any is said in the end."""
    wrong: list[str] = []
    data = random.Random(0).randbytes(60 << 20)
    with serving(file_route(data)) as server:
        jobs = {**REAL, "downloading": lambda rig: download_job(rig, server.url, len(data))}
        for name in os.environ.get("CSRA_CYCLES_JOBS", ",".join(jobs)).split(","):
            try:
                note(cycle(jobs[name](rig), CYCLES, 1, [rig.root]))
            except AssertionError as error:
                wrong.append(f"{name}: {error}")
                print(wrong[-1], flush=True)
    assert not wrong


def test_jobs_that_are_cancelled_a_few_times_leave_nothing(small_rig: Rig) -> None:
    for job in (tagging_job(small_rig), write_job(small_rig)):
        cycle(job, QUICK, 1, [small_rig.root], is_quick=True)
