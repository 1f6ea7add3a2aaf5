"""``models quantize``: make a model faster in whole numbers, if that costs next to nothing."""

from __future__ import annotations

import argparse
from collections.abc import Generator
from contextlib import closing

from engine.api.config import EvaluateConfig
from engine.api.errors import DataError
from engine.api.evaluation import EvaluationProgress, EvaluationRequest
from engine.api.quantizing import QuantizingDone
from engine.cli.common import EXIT_DONE, EXIT_ENGINE_ERROR, say, with_bar
from engine.records.backend_kinds import BACKENDS
from engine.records.int8_networks import LEAST_CORRELATION, MOST_LOSS, Int8Figures, Int8Networks
from engine.service.local import LocalEngine


def quantize_model(options: argparse.Namespace) -> int:
    """Do what ``models quantize`` was asked for."""
    openvino = BACKENDS["openvino"]
    if not openvino.is_here:
        say(
            "OpenVINO is not installed; ONNX Runtime is measured alone, which on many processors "
            "is slower in int8. Install it with: pip install 'csra-gui[openvino]'"
        )
    request = EvaluationRequest(
        options.dataset,
        options.data,
        options.split,
        options.model,
        EvaluateConfig(decode=options.decode),
        limit=options.photos,
        follow_links=options.follow_links,
    )
    with closing(LocalEngine("cpu", backend="auto")) as engine:
        done = with_bar(_last(engine.quantize(request)), "int8")
    figures = Int8Networks().figures(done.model_id)
    if figures is None:
        raise DataError("What was measured was kept, and cannot be read any more.")
    return _tell(figures, options.model)


def _last(
    values: Generator[EvaluationProgress | QuantizingDone, None, None],
) -> Generator[EvaluationProgress, None, QuantizingDone]:
    """The progress, and as what it returns the value that comes last."""
    with closing(values):
        for value in values:
            if isinstance(value, QuantizingDone):
                return value
            yield value
    raise DataError("Quantizing ended too early.")


def _tell(figures: Int8Figures, model: str) -> int:
    say(f"int8: {figures.text}.")
    say(f"Calibrated on {figures.calibrated_on}.")
    if not figures.is_offered:
        say(
            f"error: the int8 network is not offered and was not kept: it may lose {MOST_LOSS} mAP "
            f"at most, and maps must correlate {LEAST_CORRELATION} at least."
        )
        return EXIT_ENGINE_ERROR
    if figures.rate_int8 <= figures.rate_float:
        say("On this machine it is no faster than the model as it is.")
    say(f"Use it with: csra tag --model {model} --precision int8 …")
    return EXIT_DONE
