"""Models of which the network is an ONNX file: read from a file of ours, run with ONNX Runtime.

The ONNX file lies in the model's file in place of weights, so that the model is one file with all
that it needs, like any other (docs/adr/0024).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from engine.api.config import HeadConfig, PreprocessConfig
from engine.api.errors import CheckpointError, MemoryShortError, ModelError
from engine.api.onnx_network import OnnxNetwork
from engine.api.values import FloatArray
from engine.inference.backend import BatchScores
from engine.inference.in_parts import run_in_parts
from engine.inference.onnx_backend import available_cores, check_trial
from engine.inference.onnx_contents import MOST_BYTES, read_contents
from engine.inference.open_model import OpenModel
from engine.inference.weights import ModelWeights, digest_of
from engine.records.backend_kinds import BACKENDS
from engine.records.litter import noted_inside
from engine.records.model_record import (
    CheckpointRecord,
    former_model_id,
    from_metadata,
    is_ours,
    model_id,
    to_metadata,
)
from engine.records.safetensors_header import read_header
from engine.texts import reason_text

_PART = "onnx"
_FATAL_ONLY = 4
#: A first pass that takes longer has no end, or is of no use here.
_TRIAL_S = 120.0
#: So that a probability of 0 or 1 has a logit.
_EDGE = 1e-7
_FLOATS = {"float32": np.float32, "float16": np.float16}


@dataclass(frozen=True, eq=False)
class NetworkFile:
    """A model file of ours with an ONNX file in it, read and checked.

    Attributes:
        record: what it says of itself.
        id: fingerprint of the network and its form, hexadecimal.
        onnx: the ONNX file.
        former_id: see ``ModelWeights``.
    """

    record: CheckpointRecord
    id: str
    onnx: bytes
    former_id: str = ""


def has_onnx_network(path: Path) -> bool:
    """Whether a file is a model of ours of which the network is an ONNX file."""
    with contextlib.suppress(CheckpointError):
        return (
            is_ours(path) and from_metadata(read_header(path).metadata).config.network is not None
        )
    return False


def read_network(path: Path) -> NetworkFile:
    """Read such a file; nothing in it runs.

    Raises:
        CheckpointError: it is damaged, hostile or of another kind.
    """
    header = read_header(path)
    record = from_metadata(header.metadata)
    shape = header.shapes.get(_PART, ())
    is_alone = len(header.shapes) == 1 and header.dtypes.get(_PART) == "U8" and len(shape) == 1
    if record.config.network is None or not is_alone or not 0 < shape[0] <= MOST_BYTES:
        raise CheckpointError(
            f"{path.name!r} does not fit the model it describes. Import the model again."
        )
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            file.seek(max(8, size - shape[0]))  # it is all that there is behind the header
            onnx = file.read(shape[0])
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise CheckpointError(
            f"The model file {path.name!r} cannot be opened: {reason}."
        ) from error
    if _digest(onnx) != header.metadata.get("weights_sha256"):
        raise CheckpointError(
            f"{path.name!r} is damaged: its network does not match its checksum. "
            "Import the model again."
        )
    check_alone(path.name, onnx)
    former = former_model_id(header.metadata)
    return NetworkFile(record, model_id(header.metadata), onnx, former)


def check_alone(name: str, onnx: bytes) -> None:
    """Refuse a network that needs anything beside itself.

    Raises:
        CheckpointError: it does, or it is damaged.
    """
    found = read_contents(name, onnx)
    if found.elsewhere or found.has_strays:
        raise CheckpointError(
            f"{name!r} cannot be used: its weights lie in another file. Import the model again."
        )


def write_network(path: Path, onnx: bytes, record: CheckpointRecord) -> None:
    """Write such a file atomically.

    Raises:
        CheckpointError: it cannot be written.
    """
    metadata = to_metadata(record, _digest(onnx))
    part = {_PART: np.frombuffer(onnx, dtype=np.uint8)}
    try:
        with noted_inside(path) as temporary:
            safetensors.numpy.save_file(part, temporary, metadata=metadata)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"The model could not be saved to {path}: {reason_text(error)}."
        ) from error


def open_network(path: Path) -> OpenModel:
    """Open such a file to run it.

    Raises:
        CheckpointError: it cannot be used.
    """
    file = read_network(path)
    backend = NetworkBackend(file.onnx, file.record)
    return OpenModel(ModelWeights(file.record, file.id, {}, file.former_id), backend, path)


def _digest(onnx: bytes) -> str:
    return digest_of({_PART: np.frombuffer(onnx, dtype=np.uint8)})


class NetworkBackend:
    """An ONNX file of others on the CPU.

    Where it has no position scores, each image has one position that is all of it, with which every
    sum comes out right and no map can be drawn (``PositionScores.says_where``).

    Args:
        onnx: checked (``check_alone``).
        record: says what is what in it.
        threads: 0 chooses for the machine.

    Raises:
        CheckpointError: it cannot be loaded, a trial run fails, or is of another form.
    """

    name = "CPU, ONNX Runtime"
    device = "cpu"
    runtime = BACKENDS["onnx"].runtime
    best_batch = 1

    def __init__(self, onnx: bytes, record: CheckpointRecord, threads: int = 0) -> None:
        config = record.config
        if config.network is None:
            raise ValueError("of another kind")
        self._form, self._head, self._name = config.network, config.head, record.name
        self._count = len(config.categories)
        self._pixels = PixelTables(config.preprocess, config.network)

        def first_pass(pixels: NDArray[np.uint8]) -> BatchScores:
            self._session = load_session(onnx, threads)
            with ending_in_time() as options:
                return self._run(pixels, options)

        check_trial(record.name, "ONNX Runtime", config.preprocess.input_size, first_pass)

    @property
    def head(self) -> HeadConfig:
        """Of the model."""
        return self._head

    def run(self, pixels: NDArray[np.uint8], *, features: bool = False) -> BatchScores:
        """One pass; see ``Backend``. There are no features.

        Raises:
            MemoryShortError: see ``Backend``.
            ModelError: the network fails with these images, or gives values that are no numbers.
        """
        try:
            found = run_in_parts(self._run, pixels)
        except MemoryShortError:
            raise
        except Exception as error:  # those of runtimes have no other class in common
            raise ModelError(
                f"{self._name!r} failed with this photo ({_reason(error)}). Use another model."
            ) from error
        if not (np.isfinite(found.logits).all() and np.isfinite(found.position_scores).all()):
            raise ModelError(f"{self._name!r} gave values that are not numbers. Use another model.")
        return found

    def _run(self, pixels: NDArray[np.uint8], options: Any = None) -> BatchScores:
        step = self._form.batch or len(pixels)
        found = [self._pass(pixels[at : at + step], options) for at in range(0, len(pixels), step)]
        return BatchScores(
            np.concatenate([one.logits for one in found]),
            np.concatenate([one.position_scores for one in found]),
        )

    def _pass(self, pixels: NDArray[np.uint8], options: Any) -> BatchScores:
        count = len(pixels)
        if count < self._form.batch:  # a network for so many takes no fewer
            filling = np.repeat(pixels[-1:], self._form.batch - count, axis=0)
            pixels = np.concatenate([pixels, filling])
        wanted = [self._form.output, *([self._form.maps] if self._form.maps else [])]
        ready = {self._form.input: self._pixels.ready(pixels)}
        found = [values[:count] for values in self._session.run(wanted, ready, options)]
        logits = as_logits(found[0], are_probabilities=self._form.are_probabilities)
        if logits.shape != (count, self._count):
            raise ValueError(f"its output is {logits.shape}, not {(count, self._count)}")
        if not self._form.maps:
            return BatchScores(logits, logits[:, None, :, None, None])
        scores = with_heads(found[1])
        if scores.shape[:3] != (count, self._head.num_heads, self._count):
            raise ValueError(f"its position scores are {scores.shape}")
        return BatchScores(logits, scores)


class PixelTables:
    """Makes a network's input of pixels.

    Args:
        preprocess: mean and deviation.
        form: layout, type and order.
    """

    def __init__(self, preprocess: PreprocessConfig, form: OnnxNetwork) -> None:
        self._form = form
        steps = np.arange(256, dtype=np.float64)[:, None] / 255
        table = (steps - np.array(preprocess.mean)) / np.array(preprocess.std)
        # Of each value that a pixel can have, by channel: (256, 3).
        self._table = table.astype(_FLOATS.get(form.pixels, np.float32))

    def ready(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """(B, S, S, 3) uint8 in RGB → as the network wants it."""
        channels = (2, 1, 0) if self._form.order == "bgr" else (0, 1, 2)
        if self._form.pixels == "uint8":
            planes = [pixels[..., channel] for channel in channels]
        else:
            planes = [self._table[:, channel][pixels[..., channel]] for channel in channels]
        axis = 1 if self._form.layout == "nchw" else 3
        return np.ascontiguousarray(np.stack(planes, axis=axis))


def as_logits(values: NDArray[Any], *, are_probabilities: bool) -> FloatArray:
    """Whatever the output holds, as float32 of which the activation gives the scores."""
    if not are_probabilities:
        return np.ascontiguousarray(values, dtype=np.float32)
    share = np.clip(values.astype(np.float64), _EDGE, 1 - _EDGE)
    logits: FloatArray = (np.log(share) - np.log1p(-share)).astype(np.float32)
    # A clipped NaN is one still: it is found out where all others are.
    return logits


def with_heads(values: NDArray[Any]) -> FloatArray:
    """(B, C, h, w) or (B, num_heads, C, h, w) → the latter, float32."""
    five = values if values.ndim == 5 else values[:, None]
    return np.ascontiguousarray(five, dtype=np.float32)


def load_session(onnx: bytes, threads: int = 0) -> onnxruntime.InferenceSession:
    """An ONNX file that was checked, ready to run.

    Raises:
        Exception: of ONNX Runtime, if it cannot.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or available_cores()
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


@contextlib.contextmanager
def ending_in_time() -> Iterator[Any]:
    """Options of a pass that ends, with an error, when it takes too long."""
    options = onnxruntime.RunOptions()
    options.log_severity_level = _FATAL_ONLY

    def end() -> None:
        options.terminate = True

    timer = threading.Timer(_TRIAL_S, end)
    timer.daemon = True
    timer.start()
    try:
        yield options
    finally:
        timer.cancel()


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
