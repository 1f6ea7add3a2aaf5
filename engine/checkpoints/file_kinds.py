"""What a file is that was given as a model and is none, told by its first bytes or its parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

_AGAIN = "Download or export it again"
_ONNX = "Import it first, with its list of names (csra models import FILE --names FILE)"
_WEIGHTS = "Give the .pth or .safetensors file that it was made from"
#: First bytes → what it is, and what to do.
_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", f"it only points to the model (Git LFS), the model itself was "
     f"not fetched. Run git lfs pull, or: {_AGAIN.lower()}"),
    (b"\x89HDF", f"it is an HDF5 file of Keras or another tool, not of PyTorch. {_AGAIN}"),
    (b"\x93NUMPY", f"it is a NumPy array, not a model. {_AGAIN}"),
    (b"GGUF", f"it is a GGUF file, a language model for llama.cpp. {_AGAIN}"),
    (b"\x1f\x8b", "it is packed (gzip). Unpack it first"),
    (b"BZh", "it is packed (bzip2). Unpack it first"),
    (b"\xfd7zXZ", "it is packed (xz). Unpack it first"),
    (b"\x28\xb5\x2f\xfd", "it is packed (zstd). Unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "it is packed (7z). Unpack it first"),
    (b"Rar!", "it is packed (RAR). Unpack it first"),
    (b"PK\x05\x06", f"it is an empty archive. {_AGAIN}"),
    (b"\xff\xd8\xff", f"it is a picture, not a model file. {_AGAIN}"),
    (b"\x89PNG", f"it is a picture, not a model file. {_AGAIN}"),
    (b"%PDF", f"it is a PDF document, not a model file. {_AGAIN}"),
)  # fmt: skip
_PAGES = (b"<!doctype", b"<html", b"<head", b"<body", b"<!--")
_BOM = b"\xef\xbb\xbf"
#: Field 1 of ONNX, the version of its format, then the tool that wrote it or what else follows.
_ONNX_FIRST = 8
_ONNX_NEXT = b"\x12\x1a\x22\x2a\x32\x3a\x42"
_ONNX_VERSIONS = range(1, 33)
_INSIDE = (".pth", ".pt", ".safetensors", ".ckpt", ".bin")
TORCHSCRIPT = (
    "it is a TorchScript program, which can run code. Ask for the weights alone "
    "(torch.save(model.state_dict(), …))"
)


def what_it_is(start: bytes) -> str:
    """What a file is that no weights begin like, and what to do; without its name and a dot.

    Args:
        start: the first bytes, 512 if there are as many.
    """
    kinds = (
        *((start.startswith(magic), reason) for magic, reason in _STARTS),
        *_of_text(start),
        (is_onnx(start), f"it is an ONNX file. {_ONNX}"),
        (start[4:8] == b"TFL3", f"it is a TensorFlow Lite file. {_WEIGHTS}"),
        (start[257:262] == b"ustar", "it is packed (tar). Unpack it first"),
        (not start.strip(b"\0"), f"it holds nothing but zeros, as the copy failed. {_AGAIN}"),
    )
    found = (reason for is_it, reason in kinds if is_it)
    return next(found, f"it is not a model file. {_AGAIN}")


def _of_text(start: bytes) -> tuple[tuple[bool, str], ...]:
    text = start.removeprefix(_BOM).lstrip().lower()
    is_plain = bool(start) and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start)
    return (
        (
            text.startswith(_PAGES),
            "it is a web page, not a model: the download got a question or an error in place of "
            "the file. Open its address in a browser and save the file from there",
        ),
        (
            text.startswith(b"<?xml"),
            f"it is an XML text: an error of a server, or part of another tool's model. {_AGAIN}",
        ),
        (
            text.startswith((b"{", b"[")),
            f"it is a JSON text, not a model: an error of a server, or settings. {_AGAIN}",
        ),
        (is_plain, f"it is a text, not a model file. {_AGAIN}"),
    )


def is_onnx(start: bytes) -> bool:
    """Whether a file that begins so is ONNX."""
    head = start[:3].ljust(3, b"\0")
    return head[0] == _ONNX_FIRST and head[1] in _ONNX_VERSIONS and head[2] in _ONNX_NEXT


def what_archive(names: Sequence[str]) -> str | None:
    """What an archive is that PyTorch's weights are not in; ``None`` where it may be those.

    Args:
        names: of its parts.
    """
    last = {PurePosixPath(name).name for name in names}
    inside = sorted(name for name in last if name.lower().endswith(_INSIDE))
    kinds = (
        ("constants.pkl" in last or any("/code/" in name for name in names), TORCHSCRIPT),
        (
            "archive_format" in last or any("exported_program" in name for name in last),
            f"it is a program exported with torch.export. {_WEIGHTS}",
        ),
        ("data.pkl" in last, None),
        (
            all(name.endswith(".npy") for name in last),
            f"it holds NumPy arrays (.npz), not a model of PyTorch. {_AGAIN}",
        ),
        (
            not last.isdisjoint({"model.weights.h5", "saved_model.pb"}),
            f"it is a model of Keras or TensorFlow, not of PyTorch. {_AGAIN}",
        ),
        ("[Content_Types].xml" in last, f"it is an office document, not a model. {_AGAIN}"),
        (
            bool(inside),
            f"it is an archive with {''.join(inside[:1])[:80]!r} in it. Unpack it first",
        ),
    )
    return next((reason for is_it, reason in kinds if is_it), None)
