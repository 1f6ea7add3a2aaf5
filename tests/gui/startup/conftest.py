from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from csra_gui.base.paths import library_file
from csra_gui.startup.handover import Handover, HandoverServer
from csra_gui.startup.instance import Instance
from tests.gui.startup.calling import Call, SecondStart


@pytest.fixture
def place() -> Iterator[Instance]:
    """The place of the window on the usual library, taken."""
    instance = Instance(library_file())
    assert instance.claim()
    yield instance
    instance.release()


@pytest.fixture
def server(qtbot: QtBot, place: Instance) -> Iterator[HandoverServer]:
    """What answers there; it does not serve yet."""
    made = HandoverServer(place)
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def taken(server: HandoverServer) -> list[Handover]:
    """What was handed over."""
    handovers: list[Handover] = []
    server.handed_over.connect(handovers.append)
    return handovers


@pytest.fixture
def call() -> Iterator[Call]:
    """Makes second starts; all of them have ended in the end, and hold no place."""
    made: list[SecondStart] = []

    def caller(*paths: Path, token: str = "") -> SecondStart:
        made.append(SecondStart(library_file(), *paths, token=token))
        return made[-1]

    yield caller
    for start in made:
        start.give_up()
        start.instance.release()
