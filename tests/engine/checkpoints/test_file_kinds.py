"""A file that is no weights is named for what it is; settings beside weights are no obstacle."""

import argparse
import collections
import datetime
import io
import pathlib
import sys
import tarfile
import types
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from engine.api.errors import CheckpointError
from engine.checkpoints.csra_import import ImportOptions, import_checkpoint
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.pth_file import read_pth
from tests.engine.csra_checkpoints import resnet_state

SMALL = ImportOptions(input_size=64)


def packed(*names):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return data.getvalue()


def tar():
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("net.pth"))
    return data.getvalue()


KINDS = {
    "empty": (b"", "it is empty"),
    "page": (b"<!DOCTYPE html><title>Google Drive - Virus scan warning</title>", "a web page"),
    "page-with-mark": (b"\xef\xbb\xbf\r\n<HTML>", "a web page"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
    "json": (b'{"error": "Repository not found"}', "a JSON text"),
    "xml": (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "an XML text"),
    "text": (b"Access denied\n", "it is a text"),
    "zeros": (bytes(5000), "nothing but zeros"),
    "onnx": (b"\x08\x07\x12\x07pytorch\x1a\x052.0.0", "an ONNX file"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "Keras"),
    "tflite": (b"\x1c\0\0\0TFL3" + bytes(99), "TensorFlow Lite"),
    "gguf": (b"GGUF\3\0\0\0", "GGUF"),
    "gzip": (b"\x1f\x8b\x08\0" + bytes(99), "Unpack it first"),
    "tar": (tar(), "Unpack it first"),
    "picture": (b"\xff\xd8\xff\xe0" + bytes(99), "not a model file"),
    "bytes": (bytes(range(129, 256)), "not a model file"),
    "torchscript": (packed("net/data.pkl", "net/constants.pkl", "net/code/x.py"), "TorchScript"),
    "torch-export": (packed("a/models/model.json", "a/archive_format"), "torch.export"),
    "keras": (packed("metadata.json", "model.weights.h5"), "Keras"),
    "npz": (packed("a.npy", "b.npy"), "NumPy arrays"),
    "office": (packed("[Content_Types].xml", "word/document.xml"), "office document"),
    "zipped": (packed("run/net.pth", "run/log.txt"), "'net.pth' in it. Unpack it"),
    "any-zip": (packed("a.txt"), "damaged"),
}


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".ckpt"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_model_is_named(kind, suffix, tmp_path):
    data, message = KINDS[kind]
    path = tmp_path / f"net_lam0.1{suffix}"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=message) as caught:
        open_checkpoint(path)
    assert path.name in str(caught.value) and "\n" not in str(caught.value)


def whole():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before-2020"])
@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: {"epoch": 1, "model": m}, lambda m: [m]])
def test_a_whole_model_is_named_with_what_to_save(wrap, legacy, tmp_path):
    path = tmp_path / "net_lam0.1.pth"
    torch.save(wrap(whole()), path, _use_new_zipfile_serialization=not legacy)
    message = r"whole model of the class 'torch.nn.modules.*torch.save\(model.state_dict\(\)"
    with pytest.raises(CheckpointError, match=message):
        open_checkpoint(path)


class AttributeDict(dict):
    """As Lightning keeps what a network was made with."""


class HistoryBuffer:
    """As mmengine keeps measures: functions of its own, and arrays."""

    def __init__(self):
        self.history = np.arange(3.0)
        self.methods = {"mean": HistoryBuffer.mean}

    def mean(self):
        return self.history.mean()


def placed(kind, home, monkeypatch):
    """A class of a library that is not here, where that library has it."""
    parts = home.split(".")
    for count in range(1, len(parts) + 1):
        name = ".".join(parts[:count])
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setattr(sys.modules[home], kind.__name__, kind, raising=False)
    monkeypatch.setattr(kind, "__module__", home)


SETTINGS = {
    "namespace": lambda: argparse.Namespace(lr=0.1, out=pathlib.Path("runs")),
    "paths": lambda: [pathlib.Path("a"), pathlib.PurePosixPath("b"), pathlib.PureWindowsPath("c")],
    "measures": lambda: {"best": np.float64(0.9), "all": np.arange(4), "n": np.int64(3)},
    "defaults": lambda: collections.OrderedDict(a=collections.OrderedDict()),
    "time": lambda: [datetime.datetime(2024, 1, 2, tzinfo=None), datetime.timedelta(3)],
    "torch": lambda: [torch.float16, torch.device("cpu"), torch.get_rng_state()],
    "plain": lambda: {"a": [1, 2.5, None, True, ("x", b"bytes")], 3: "y"},
    "lightning": lambda: AttributeDict(lr=0.1, names=["a"]),
    "mmengine": lambda: {"loss": HistoryBuffer()},
}


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before-2020"])
@pytest.mark.parametrize("kind", SETTINGS)
def test_settings_beside_weights_are_left_out(kind, legacy, tmp_path, monkeypatch):
    placed(AttributeDict, "pytorch_lightning.utilities.parsing", monkeypatch)
    placed(HistoryBuffer, "mmengine.logging.history_buffer", monkeypatch)
    path = tmp_path / "net.pth"
    weights = {"conv.weight": torch.ones(3)}
    content = {"model": weights, "args": SETTINGS[kind](), "epoch": 3}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    for home in ("pytorch_lightning", "mmengine", "mmengine.logging.history_buffer"):
        monkeypatch.delitem(sys.modules, home)
    assert read_pth(path).tensors.keys() == weights.keys()


@pytest.mark.parametrize(
    "said",
    [
        lambda: {"args": argparse.Namespace(lam=0.25)},
        lambda: {"hyper_parameters": {"lam": 0.25}},
        lambda: {"lam": 0.25},
        lambda: {"meta": {"cfg": "head=dict(type='CSRAClsHead', num_heads=1, lam=0.25)"}},
    ],
)
def test_lambda_is_read_from_the_settings_of_the_training(said, tmp_path):
    path = tmp_path / "net.pth"
    torch.save({"state_dict": resnet_state(), **said()}, path)
    assert import_checkpoint(path, SMALL)[1].config.head.lam == 0.25


@pytest.mark.parametrize("said", [{"args": {"lam": True}}, {"meta": {"cfg": "lam=0.1, lam=0.2"}}])
def test_lambda_is_never_guessed(said, tmp_path):
    path = tmp_path / "net.pth"
    torch.save({"state_dict": resnet_state(), **said}, path)
    with pytest.raises(CheckpointError, match="does not say its λ"):
        import_checkpoint(path, SMALL)


def test_an_encoding_that_takes_hours_is_refused(tmp_path):
    class Slow:
        def __reduce__(self):
            return (__import__("codecs").encode, ("x", "puny_code"))

    path = tmp_path / "net.pth"
    torch.save({"w": torch.ones(1), "x": Slow()}, path)
    with pytest.raises(CheckpointError, match="besides weights"):
        read_pth(path)
