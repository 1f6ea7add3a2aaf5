"""Taggers of others as ONNX files: looked at, tried, and made a model of the person's own.

Nothing of them is believed: what the file needs is read before any tool gets it, and what it says
of its inputs and outputs is compared with a trial run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from engine.api.categories import Categories
from engine.api.config import (
    PAPER_TEMPERATURES,
    Activation,
    HeadConfig,
    ModelConfig,
    PreprocessConfig,
)
from engine.api.errors import CheckpointError, Fact, MissingFactsError
from engine.api.geometry import Box
from engine.api.onnx_network import (
    ONNX_BACKBONE,
    PIXEL_SCALES,
    Layout,
    OnnxNetwork,
    PixelScale,
    PixelType,
    ScoreForm,
)
from engine.api.values import FloatArray, ModelImport, PositionScores
from engine.checkpoints.onnx_file import read_whole
from engine.checkpoints.onnx_surroundings import read_surroundings
from engine.explain.evidence import logits as pooled
from engine.inference.onnx_network import (
    NetworkBackend,
    PixelTables,
    as_logits,
    ending_in_time,
    load_session,
    with_heads,
    write_network,
)
from engine.records.model_record import (
    FORMAT_NAME,
    PIXELS_FORMAT,
    CheckpointRecord,
    from_metadata,
)
from engine.records.models import ModelStore
from engine.records.names_file import is_wd_table, read_names

_TYPES: dict[str, PixelType] = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(uint8)": "uint8",
}
#: Where nobody says how large pictures are, the trial run takes the field's usual side.
_USUAL_SIDE = 224
#: What position scores may differ, added up, from the scores that they are to explain.
_TOLERANCE = 1e-3
_QUESTIONS: dict[Fact, str] = {
    "pixels": "how its pixels are scaled (--pixels, or --mean and --std)",
    "input size": "how large its pictures are (--input-size)",
    "output": "which of its outputs are the scores (--scores-output: {outputs})",
    "categories": "what its {count}categories are called (--names)",
}


@dataclass(frozen=True)
class _Input:
    """The one input of a network; ``side`` and ``batch`` are 0 where they are free."""

    name: str
    layout: Layout
    pixels: PixelType
    side: int
    batch: int


@dataclass(frozen=True, eq=False)
class _Trial:
    """What came out of a trial run, by the outputs' names, and how many images went in."""

    outputs: Mapping[str, NDArray[Any]]
    count: int
    batch: int

    @property
    def score_like(self) -> list[str]:
        """The outputs that are (B, C)."""
        return [
            name
            for name, values in self.outputs.items()
            if values.ndim == 2 and values.shape[0] == self.count and values.dtype.kind == "f"
        ]


def import_onnx(store: ModelStore, request: ModelImport) -> CheckpointRecord:
    """Make a model of the person's own of a tagger as ONNX.

    Args:
        store: gets the model.
        request: with the model's name.

    Returns:
        What the new model says of itself.

    Raises:
        CheckpointError: the file cannot be used.
        MissingFactsError: it can, once somebody says what it does not say.
        ModelError: the name is taken or unusable, or the names cannot be read.
    """
    name = request.path.stem if request.name is None else request.name
    target = store.new_path(name)
    onnx = read_whole(request.path)
    file = request.path.name
    try:
        session = load_session(onnx)
    except Exception as error:  # those of runtimes have no other class in common
        raise CheckpointError(
            f"{file!r} cannot be used: ONNX Runtime cannot load it ({_reason(error)}). "
            "Export it again."
        ) from error
    table = dict(session.get_modelmeta().custom_metadata_map)
    if table.get("format") == PIXELS_FORMAT:
        raise CheckpointError(
            f"{file!r} was exported with preprocessing, for other programs. Import the model's own "
            "file, or its ONNX file without preprocessing."
        )
    if table.get("format") == FORMAT_NAME and "model" in table:
        record = _of_our_own(session, file, table)
    else:
        record = _Found(session, request).record()
    record = replace(record, name=name)
    NetworkBackend(onnx, record)  # a run of it as it will be used
    write_network(target, onnx, record)
    return record


def _of_our_own(
    session: onnxruntime.InferenceSession, file: str, table: Mapping[str, str]
) -> CheckpointRecord:
    """What ``export_onnx`` wrote: it says all, and has maps."""
    record = from_metadata(table)
    seen = _input(session, file)
    config, pixels = record.config, record.config.preprocess
    trial = _run(session, file, seen, pixels)
    missing = {"logits", "position_scores"} - trial.outputs.keys()
    if missing or not 0 <= seen.side in (0, pixels.input_size):
        raise CheckpointError(
            f"{file!r} is not what it says of itself: it was changed after it was exported. "
            "Export it again."
        )
    network = OnnxNetwork(
        seen.name, "logits", seen.layout, seen.pixels, batch=trial.batch, maps="position_scores"
    )
    scores, head = with_heads(trial.outputs["position_scores"]), config.head
    is_exact = scores.ndim == 5 and scores.shape[1:3] == (head.num_heads, len(config.categories))
    if not is_exact or not _adds_up(
        scores, as_logits(trial.outputs["logits"], are_probabilities=False), head
    ):
        raise CheckpointError(
            f"{file!r} is not what it says of itself: its maps do not add up to its scores. "
            "Export it again."
        )
    config = replace(config, backbone=ONNX_BACKBONE, network=network)
    provenance = {**record.provenance, "backbone": record.config.backbone, "made from": file}
    return replace(record, config=config, provenance=provenance)


class _Found:
    """What a file of others is, by what it declares, what lies beside it, and a trial run."""

    def __init__(self, session: onnxruntime.InferenceSession, request: ModelImport) -> None:
        self._request, self._file = request, request.path.name
        self._beside = read_surroundings(request.path)
        self._input = _input(session, self._file)
        self._scale = self._find_scale()
        self._side = self._input.side or request.input_size or self._beside.input_size or 0
        if self._input.side and request.input_size not in (None, self._input.side):
            raise CheckpointError(
                f"{self._file!r} takes pictures of {self._input.side} × {self._input.side} pixels "
                "alone. Leave out the input size."
            )
        pixels = self._preprocess()
        self._trial = _run(session, self._file, self._input, pixels)
        self._names = self._find_names()
        self._output = self._find_output()

    def record(self) -> CheckpointRecord:
        """All of it.

        Raises:
            MissingFactsError: something nobody knows.
        """
        self._check_known()
        names = self._names
        values = self._trial.outputs[self._output or ""]
        if names is None or self._scale is None:
            raise ValueError("checked before")
        scores = self._find_scores(values)
        logits = as_logits(values, are_probabilities=scores == "probabilities")
        activation: Activation = "softmax" if scores == "softmax" else "sigmoid"
        head = HeadConfig((1.0,), 0.0, normalize=False, activation=activation)
        maps, head, told = self._find_maps(logits, head)
        network = OnnxNetwork(
            self._input.name,
            self._output or "",
            self._input.layout,
            self._input.pixels,
            self._scale.order,
            self._trial.batch,
            scores == "probabilities",
            maps,
        )
        config = ModelConfig(ONNX_BACKBONE, names, head, self._preprocess(), network=network)
        provenance = {
            **self._request.provenance,
            "made from": self._file,
            "its scores": f"{scores}{'' if self._request.onnx.scores else ', as it seems'}",
            "its maps": told,
        }
        description = "A tagger of others, imported from ONNX."
        return CheckpointRecord(config, self._file, description, provenance=provenance)

    def _preprocess(self) -> PreprocessConfig:
        scale = self._scale or PIXEL_SCALES["imagenet"]
        return PreprocessConfig(self._side or _USUAL_SIDE, "squash", scale.mean, scale.std)

    def _find_scale(self) -> PixelScale | None:
        if self._input.pixels == "uint8":
            order = "rgb" if self._request.onnx.scale is None else self._request.onnx.scale.order
            return replace(PIXEL_SCALES["0..255"], order=order)
        if self._request.onnx.scale is not None:
            return self._request.onnx.scale
        if self._input.layout == "nhwc":  # settings beside it are of the network in PyTorch
            names = self._request.names
            is_wd = names is not None and is_wd_table(names)
            return PIXEL_SCALES["0..255-bgr"] if is_wd else None
        return self._beside.scale

    def _find_names(self) -> Categories | None:
        if self._request.names is not None:
            return read_names(self._request.names)
        return self._request.categories or self._beside.names

    def _find_output(self) -> str | None:
        found = self._trial.score_like
        wanted = self._request.onnx.output
        if wanted:
            if wanted in found:
                return wanted
            raise CheckpointError(
                f"{self._file!r} has no output {wanted[:60]!r} with a score for each category. It "
                f"has: {', '.join(found) or 'none'}."
            )
        if not found:
            shapes = [f"{n} {v.shape}" for n, v in self._trial.outputs.items()]
            raise CheckpointError(
                f"{self._file!r} is no tagger: none of its outputs has a score for each category "
                f"({', '.join(shapes)[:200]})."
            )
        if len(found) > 1 and self._names is not None:
            count = len(self._names)
            found = [n for n in found if self._trial.outputs[n].shape[1] == count] or found
        return found[0] if len(found) == 1 else None

    def _check_known(self) -> None:
        missing: list[Fact] = []
        if self._scale is None:
            missing.append("pixels")
        if not self._side:
            missing.append("input size")
        count = 0
        if self._output is None:
            missing.append("output")
        else:
            count = self._trial.outputs[self._output].shape[1]
        problem = ""
        if self._names is None:
            missing.append("categories")
        elif count and len(self._names) != count:
            missing.append("categories")
            problem = (
                f"There are {len(self._names):,} names for the {count:,} categories of "
                f"{self._file!r}. Give the list that belongs to it (--names)."
            )
        if not missing:
            return
        outputs = tuple(self._trial.score_like)
        counted = f"{count:,} " if count else ""
        asked = [
            _QUESTIONS[fact].format(outputs=", ".join(outputs), count=counted)
            for fact in missing
            if not (problem and fact == "categories")
        ]
        said = f"{self._file!r} does not say {' or '.join(asked)}." if asked else ""
        raise MissingFactsError(
            " ".join(filter(None, (problem, said))), tuple(missing), count, outputs
        )

    def _find_scores(self, values: NDArray[Any]) -> ScoreForm:
        if self._request.onnx.scores is not None:
            return self._request.onnx.scores
        if ((values >= 0) & (values <= 1)).all():
            return "probabilities"
        return self._beside.scores or "logits"

    def _find_maps(self, logits: FloatArray, head: HeadConfig) -> tuple[str, HeadConfig, str]:
        """The output with position scores, the heads by which they add up, and what to say."""
        count = logits.shape[1]
        for name, values in self._trial.outputs.items():
            if values.ndim not in (4, 5) or values.dtype.kind != "f":
                continue
            scores = with_heads(values)
            if scores.shape[2] != count or scores.shape[3] * scores.shape[4] < 2:
                continue
            found = _fitting(scores, logits, head, self._request.lam)
            if found is not None:
                return name, found, f"from its output {name}"
            return "", head, f"left out: {name} does not add up to its scores"
        return "", head, "none: it says what, not where"


def _input(session: onnxruntime.InferenceSession, file: str) -> _Input:
    """The input of a network, if it is one picture.

    Raises:
        CheckpointError: it is anything else.
    """
    found = session.get_inputs()
    if len(found) != 1:
        names = ", ".join(one.name for one in found)[:120]
        raise CheckpointError(
            f"{file!r} cannot be used: it has {len(found)} inputs ({names}), a tagger has one, a "
            "picture. Export the part of it that sees pictures, with the names baked in."
        )
    one = found[0]
    shape = [size if isinstance(size, int) and size > 0 else 0 for size in one.shape or ()]
    layout: Layout = "nhwc" if len(shape) == 4 and shape[3] == 3 and shape[1] != 3 else "nchw"
    if len(shape) != 4 or shape[1 if layout == "nchw" else 3] not in (0, 3):
        raise CheckpointError(
            f"{file!r} cannot be used: its input {one.name!r} is {one.shape}, not a picture in "
            "red, green and blue. Export a network that takes one."
        )
    if one.type not in _TYPES:
        raise CheckpointError(
            f"{file!r} cannot be used: its input is {one.type}. Export it with float or uint8."
        )
    height, width = (shape[2], shape[3]) if layout == "nchw" else (shape[1], shape[2])
    if height and width and height != width:
        raise CheckpointError(
            f"{file!r} cannot be used: it takes pictures of {width} × {height} pixels, and only "
            "square ones can be given. Export it with a square input."
        )
    return _Input(one.name, layout, _TYPES[one.type], height or width, shape[0])


def _run(
    session: onnxruntime.InferenceSession, file: str, seen: _Input, pixels: PreprocessConfig
) -> _Trial:
    """A trial run on noise.

    Raises:
        CheckpointError: it fails.
    """
    form = OnnxNetwork(seen.name, "any", seen.layout, seen.pixels)
    tables, side = PixelTables(pixels, form), seen.side or pixels.input_size
    names = [one.name for one in session.get_outputs()]
    reason = ""
    # Some say that they take any number, and take one.
    for batch in (seen.batch,) if seen.batch else (0, 1):
        count = batch or 2
        noise = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
        try:
            with ending_in_time() as options:
                found = session.run(names, {seen.name: tables.ready(noise)}, options)
        except Exception as error:  # noqa: BLE001  # those of runtimes share no class
            reason = reason or _reason(error)
            continue
        arrays = {n: v for n, v in zip(names, found, strict=True) if isinstance(v, np.ndarray)}
        if any(len(v) == count for v in arrays.values() if v.ndim):
            return _Trial(arrays, count, batch)
        reason = reason or f"it gave nothing for each of {count} pictures"
    raise CheckpointError(
        f"{file!r} cannot be used: a trial run at {side} × {side} pixels failed ({reason}). "
        "Export it again, or give another input size."
    )


def _fitting(
    scores: FloatArray, logits: FloatArray, head: HeadConfig, lam: float | None
) -> HeadConfig | None:
    """The heads by which position scores add up to logits; ``None`` if none do."""
    count = scores.shape[1]
    temperatures = PAPER_TEMPERATURES.get(count, (1.0,) * count)
    plain = replace(head, temperatures=temperatures, lam=0.0)
    base = _pooled(scores, plain)
    attention = _pooled(scores, replace(plain, lam=1.0)) - base
    size = float((attention * attention).sum())
    fitted = float(((logits - base) * attention).sum()) / size if size else 0.0
    chosen = round(max(0.0, fitted), 5) if lam is None else lam
    found = replace(plain, lam=chosen)
    return found if _adds_up(scores, logits, found) else None


def _adds_up(scores: FloatArray, logits: FloatArray, head: HeadConfig) -> bool:
    difference = np.abs(_pooled(scores, head) - logits).max()
    return bool(difference <= _TOLERANCE * max(1.0, float(np.abs(logits).max())))


def _pooled(scores: FloatArray, head: HeadConfig) -> FloatArray:
    """(B, num_heads, C, h, w) → (B, C)."""
    rows = [
        pooled(PositionScores(Path(), "", one, head.temperatures, head.lam, Box.UNIT, 1, 1))
        for one in scores
    ]
    return np.stack(rows)


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
