from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True, scope="session")
def graphs_of_all_workers(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where ``tests.engine.graphs`` keeps what it exports; one folder for all processes."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    os.environ["CSRA_TEST_GRAPHS"] = str(folder / "graphs")


@pytest.fixture
def graphs_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What opens, imports, trains or measures models exports no form of a network twice.

    Modules ask for it, because importing the exporter takes seconds.
    """
    from engine.service import measuring, with_pytorch
    from tests.engine.graphs import graph_of

    for module in (measuring, with_pytorch):
        monkeypatch.setattr(module, "export_graph", graph_of)
