"""Where each target of the search is, and where what was found once lies."""

from __future__ import annotations

from tests.paths import ROOT

#: Target → the module that has it; the light ones first.
MODULE_OF = {
    "filters": "texts",
    "xmp": "texts",
    "names": "texts",
    "scores": "texts",
    "photos": "photos",
    "voc": "annotations",
    "coco": "annotations",
    "json": "annotations",
    "tables": "annotations",
    "onnx": "models",
    "safetensors": "models",
    "pth": "models",
}
FOUND_BEFORE = ROOT / "tests" / "data" / "fuzz"
