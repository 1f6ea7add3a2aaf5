"""The backends that there are: what each is called, and whether it is here."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata, util


@dataclass(frozen=True)
class BackendKind:
    """One of them.

    Attributes:
        name: on the command line and in files.
        title: for people.
        package: that it needs.
        place: module and class that run a graph; empty for PyTorch, which runs networks instead.
    """

    name: str
    title: str
    package: str
    place: str = ""

    @property
    def runs_graphs(self) -> bool:
        """Whether it needs a graph, and no PyTorch."""
        return bool(self.place)

    @property
    def is_here(self) -> bool:
        """Whether its package is installed; nothing is imported."""
        return util.find_spec(self.package) is not None

    @property
    def runtime(self) -> str:
        """Its title and version, as ``Backend.runtime`` has it; the title alone if not here."""
        try:
            return f"{self.title} {metadata.version(self.package)}"
        except metadata.PackageNotFoundError:
            return self.title


_ROOM = __name__.rpartition(".records.")[0] + ".inference"  # also where it is installed
#: By name.
BACKENDS = {
    kind.name: kind
    for kind in (
        BackendKind("onnx", "ONNX Runtime", "onnxruntime", f"{_ROOM}.onnx_backend:OnnxBackend"),
        BackendKind(
            "openvino", "OpenVINO", "openvino", f"{_ROOM}.openvino_backend:OpenVinoBackend"
        ),
        BackendKind("torch", "PyTorch", "torch"),
    )
}
#: Those that run int8 networks, in the order of how well they do.
INT8_BACKENDS = ("openvino", "onnx")
#: What the choice by itself is called.
AUTO = "auto"
