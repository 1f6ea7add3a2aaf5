"""Networks as ONNX without weights: where they lie, and which belongs to a model.

The weights stay in the model's file, so that every model of one form shares a graph: one that was
trained on, taught or given other thresholds needs none of its own (docs/adr/0016).
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.api.config import ModelConfig
from engine.api.errors import CheckpointError
from engine.atomic import atomic_path
from engine.records.folders import DAMAGE
from engine.resources import data_folder, resource_path
from engine.texts import reason_text

#: Another one makes graphs of before useless.
_VERSION = 1
_MOST_BYTES = 64 << 20
_GRAPH, _SHAPES, _STEP = "graph.onnx", "shapes.json", "step.json"


@dataclass(frozen=True)
class Graph:
    """A network without weights.

    Attributes:
        onnx: as ONNX; input "pixels" (B, S, S, 3) uint8, outputs "logits" (B, C),
            "position_scores" (B, num_heads, C, h, w) and "features" (B, D, h, w).
        shapes: of the weights that it needs, by name.
        step: it takes every input size that is a multiple of this; 0 if only the model's own.
    """

    onnx: bytes
    shapes: Mapping[str, tuple[int, ...]]
    step: int = 0

    def to_bytes(self) -> bytes:
        """For a file; the same graph gives the same bytes."""
        stream = io.BytesIO()
        shapes = json.dumps({name: list(shape) for name, shape in sorted(self.shapes.items())})
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            parts = {_GRAPH: self.onnx, _SHAPES: shapes.encode(), _STEP: str(self.step).encode()}
            for name, data in parts.items():
                archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        return stream.getvalue()

    @classmethod
    def read(cls, file: Path) -> Graph:
        """What ``to_bytes`` gave.

        Raises:
            CheckpointError: it never did.
        """
        try:
            with zipfile.ZipFile(file) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
                    raise ValueError("too big")
                graph, shapes = archive.read(_GRAPH), json.loads(archive.read(_SHAPES))
                step = int(archive.read(_STEP)) if _STEP in archive.namelist() else 0
            sizes = {name: tuple(map(int, shape)) for name, shape in shapes.items()}
            return cls(graph, sizes, step)
        except (*DAMAGE, OSError) as error:
            raise CheckpointError(
                f"{file.name!r} is no network's graph: {reason_text(error)}."
            ) from error


def graph_key(config: ModelConfig) -> str:
    """What tells the graph of a model: everything that shapes it but the weights."""
    head, pixels = config.head, config.preprocess
    form = (
        _VERSION,
        config.backbone,
        len(config.categories),
        head.temperatures,
        head.lam,
        head.normalize,
        head.bias,
        head.standardize,
        pixels.input_size,
        pixels.mean,
        pixels.std,
        # Graphs of before had nothing here; average pooling is what λ = 0 gives.
        *(() if head.is_linear else (head.kind, head.queries, head.width)),
    )
    return hashlib.sha256(repr(form).encode()).hexdigest()[:24]


def find_graph(config: ModelConfig) -> Graph | None:
    """The graph of a model: one that ships, or one that was made here; ``None`` if there is none.

    One that is damaged counts as none.
    """
    name = f"{graph_key(config)}.zip"
    for file in (resource_path("graphs", name), graph_folder() / name):
        try:
            return Graph.read(file)
        except CheckpointError:
            continue
    return None


def keep_graph(config: ModelConfig, graph: Graph, folder: Path | None = None) -> Path:
    """Write a graph where ``find_graph`` looks for it; where it is then.

    Raises:
        OSError: that cannot be done.
    """
    folder = graph_folder() if folder is None else folder
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{graph_key(config)}.zip"
    with atomic_path(path) as temporary:
        temporary.write_bytes(graph.to_bytes())
    return path


def graph_folder() -> Path:
    """Where graphs lie that were made here."""
    return data_folder() / "graphs"
