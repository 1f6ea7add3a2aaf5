"""Write the graphs of the models that ship or can be downloaded, so that they run without PyTorch.

    python docs/make_graphs.py [--check]

A graph that no such model has any more is removed. ``--check`` writes nothing and says what is
missing, left over or not what PyTorch says; it takes minutes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from engine.checkpoints.catalogue_forms import catalogue_forms, with_random_weights  # noqa: E402
from engine.checkpoints.graph_export import TOLERANCE, difference, export_graph  # noqa: E402
from engine.checkpoints.loading import open_checkpoint  # noqa: E402
from engine.checkpoints.safetensors_model import Checkpoint  # noqa: E402
from engine.inference.details import keep_details  # noqa: E402
from engine.inference.graphs import Graph, graph_key, keep_graph  # noqa: E402
from engine.records.models import ModelStore, shipped_models  # noqa: E402
from engine.resources import resource_path  # noqa: E402


def main() -> int:
    """Write or check them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, say what is wrong")
    is_check = parser.parse_args().check
    folder = resource_path("graphs")
    known, problems = set(), []
    for checkpoint in checkpoints():
        config = checkpoint.record.config
        file = folder / f"{graph_key(config)}.zip"
        known.add(file)
        if not is_check:
            keep_graph(config, export_graph(checkpoint), folder)
        elif not file.is_file():
            problems.append(f"{checkpoint.record.name}: its graph is missing")
        elif not (worst := difference(checkpoint, Graph.read(file))) <= TOLERANCE:
            problems.append(f"{checkpoint.record.name}: its results differ by {worst:.1e}")
        sys.stderr.write(f"{checkpoint.record.name}\n")
    for file in sorted(set(folder.glob("*.zip")) - known):
        if is_check:
            problems.append(f"{file.name}: no model has it")
        else:
            file.unlink()
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    return 1 if problems else 0


def checkpoints() -> Iterator[Checkpoint]:
    """One model of each form, one after the other, as large ones fill the memory."""
    for path in shipped_models().values():
        yield open_checkpoint(path)
    with tempfile.TemporaryDirectory() as folder:  # what is made of the default model where wished
        yield open_checkpoint(keep_details(ModelStore(Path(folder))))
    for form in catalogue_forms():
        head, size = form.head, form.preprocess.input_size
        bias = "with bias" if head.bias else "without bias"
        text = f"{form.backbone} {size} px, {len(form.categories)} categories, "
        yield with_random_weights(form, f"{text}{head.num_heads} heads, λ {head.lam:g}, {bias}")


if __name__ == "__main__":
    sys.exit(main())
