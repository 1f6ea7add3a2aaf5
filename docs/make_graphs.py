"""Write the graphs of the models that ship, so that they run without PyTorch.

    python docs/make_graphs.py

A graph whose model does not ship any more is removed.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from engine.checkpoints.graph_export import export_graph  # noqa: E402
from engine.checkpoints.loading import open_checkpoint  # noqa: E402
from engine.inference.graphs import keep_graph  # noqa: E402
from engine.records.models import shipped_models  # noqa: E402
from engine.resources import resource_path  # noqa: E402


def main() -> None:
    """Write them all."""
    folder = resource_path("graphs")
    written = set()
    for path in shipped_models().values():
        checkpoint = open_checkpoint(path)
        graph = export_graph(checkpoint)
        written.add(keep_graph(checkpoint.record.config, graph, folder))
    for file in set(folder.glob("*.zip")) - written:
        file.unlink()


if __name__ == "__main__":
    main()
