from __future__ import annotations

import pytest


@pytest.fixture
def graphs_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What opens, imports, trains or measures models exports no form of a network twice.

    Modules ask for it, because importing the exporter takes seconds.
    """
    from engine.service import measuring, with_pytorch
    from tests.engine.graphs import graph_of

    for module in (measuring, with_pytorch):
        monkeypatch.setattr(module, "export_graph", graph_of)
