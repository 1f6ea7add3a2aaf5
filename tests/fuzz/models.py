"""Targets that are given model files: safetensors, ONNX, and what PyTorch pickles."""

from __future__ import annotations

import io
import json
import pickle
import tempfile
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch

from engine.api.errors import CheckpointError
from engine.checkpoints.file_kinds import what_it_is
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.onnx_file import is_onnx_file, read_whole
from engine.checkpoints.pth_file import read_pth
from engine.records.model_record import from_metadata, model_id
from engine.records.safetensors_header import looks_like_safetensors, read_header
from tests.engine.onnx_files import write_tagger
from tests.engine.tiny_models import save_tiny_model
from tests.fuzz.target import Target, promise, variant

_PICKLE = "archive/data.pkl"


@cache
def _ours() -> tuple[bytes, bytes]:
    """A model file: its table of contents, and the numbers behind it."""
    with tempfile.TemporaryDirectory() as folder:
        data = save_tiny_model(Path(folder) / "tiny.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    return data[8 : 8 + length], data[8 + length :]


def _with_header(header: bytes, numbers: bytes) -> bytes:
    return len(header).to_bytes(8, "little") + header + numbers


def _described(description: bytes) -> bytes:
    """A table of contents with another description of the model."""
    table = json.loads(_ours()[0])
    table["__metadata__"]["model"] = description.decode("utf-8", "replace")
    return json.dumps(table).encode()


def _safetensors(data: bytes, folder: Path) -> None:
    way, body = variant(data, 3)
    if way == 0:
        body = _with_header(body, _ours()[1][:4096])
    elif way == 1:
        body = _with_header(_described(body), b"")
    path = folder / "model.safetensors"
    path.write_bytes(body)
    looks_like_safetensors(path)
    what_it_is(body[:512])
    if way == 2:
        open_checkpoint(path)
        return
    header = read_header(path)
    from_metadata(header.metadata)
    promise(len(model_id(header.metadata)) == 16, "an id has 16 characters")


def _safetensors_seeds() -> list[bytes]:
    header, _ = _ours()
    description = json.loads(header)["__metadata__"]["model"]
    small = {"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}
    return [
        b"0" + header,
        b"0" + json.dumps({"__metadata__": {"format": "pt"}} | small).encode(),
        b"1" + description.encode(),
        b"2" + _with_header(json.dumps(small).encode(), bytes(16)),
        b"2" + _with_header(*_ours())[:6000],
    ]


def _onnx(data: bytes, folder: Path) -> None:
    path = folder / "net.onnx"
    path.write_bytes(data)
    is_onnx_file(path)
    read_whole(path)


def _onnx_seeds() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        write_tagger(path, maps="mean", metadata={"names": "cat,dog"})
        return [path.read_bytes()]


def _pth(data: bytes, folder: Path) -> None:
    way, body = variant(data, 2)
    path = folder / "net.pth"
    if way == 0:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(_PICKLE, body)
            archive.writestr("archive/version", b"3\n")
            archive.writestr("archive/data/0", bytes(64))
    else:
        path.write_bytes(body)
    read_pth(path)


def _pth_seeds() -> Sequence[bytes]:
    tensors = OrderedDict(w=torch.arange(4.0), b=torch.zeros(2, dtype=torch.float16))
    contents = ({"state_dict": tensors, "epoch": 3, "lam": 0.1, "labels": ["cat"]}, tensors)
    found = []
    for content in contents:
        with io.BytesIO() as file:
            torch.save(content, file)
            with zipfile.ZipFile(file) as archive:
                found.append(b"0" + archive.read(_PICKLE))
            found.append(b"1" + file.getvalue())
        with io.BytesIO() as file:
            torch.save(content, file, _use_new_zipfile_serialization=False)
            found.append(b"1" + file.getvalue())
    return [*found, b"1" + pickle.dumps([1, "a", {2: (3,)}], protocol=2)]


TARGETS = {
    "safetensors": Target(
        _safetensors,
        (CheckpointError,),
        _safetensors_seeds,
        (
            "__metadata__",
            "data_offsets",
            "shape",
            "dtype",
            "F32",
            "BF16",
            "sparse",
            "@mask",
            "null",
            "1e400",
            "[]",
            "{}",
            "true",
            "parents",
            "details",
            "network",
            "calibration",
            "measures",
        ),
    ),
    "onnx": Target(
        _onnx,
        (CheckpointError,),
        _onnx_seeds,
        ("location", "EPContext", "com.microsoft", "../x", "/etc/passwd", "If", "Conv", "offset"),
    ),
    "pth": Target(
        _pth,
        (CheckpointError,),
        _pth_seeds,
        (
            "ctorch._utils\n_rebuild_tensor_v2\n",
            "ctorch\nFloatStorage\n",
            "ccollections\n",
            "cbuiltins\neval\n",
            "c__builtin__\ngetattr\n",
            "cargparse\nNamespace\n",
            "\x81",
            "R.",
            "c_codecs\nencode\n",
            "cnumpy.core.multiarray\nscalar\n",
            "ctorch\ndevice\n",
        ),
    ),
}
