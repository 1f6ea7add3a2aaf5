"""``models quantize``: make a model faster in whole numbers, if that costs next to nothing."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from engine.api.config import EvaluateConfig
from engine.api.errors import ModelError
from engine.api.evaluation import EvaluationRequest
from engine.cli.common import EXIT_DONE, EXIT_ENGINE_ERROR, say, with_bar
from engine.evaluation.quantizing import divide, quantize
from engine.inference.graphs import find_graph
from engine.records.backend_kinds import BACKENDS
from engine.records.catalogue import find_model
from engine.records.int8_networks import LEAST_CORRELATION, MOST_LOSS, Int8Figures, Int8Networks
from engine.records.model_record import is_ours
from engine.records.models import default_store
from engine.service.local import LocalEngine
from engine.texts import display_text


def quantize_model(options: argparse.Namespace) -> int:
    """Do what ``models quantize`` was asked for."""
    path = find_model(options.model).resolve()
    if not is_ours(path):
        raise ModelError("Import this model first; only then can an int8 network be made of it.")
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
    with closing(LocalEngine("cpu", backend="auto")) as engine, engine.evaluation(request) as work:
        for problem in work.images.problems:
            say(display_text(problem))
        graph = find_graph(work.model.config)
        if graph is None:
            raise ModelError(
                f"The network of {work.model.record.name!r} is not known as a graph yet. "
                f"Run first: csra models measure {options.model}"
            )
        photos = divide(work)
        made = quantize(work, graph, photos, engine.pool)
        figures, network = with_bar(made, photos.measured.name)
    model_id = work.model.weights.id
    Int8Networks().keep(model_id, figures, network)
    _keep_in_file(path, figures)
    return _tell(figures, options.model)


def _keep_in_file(path: Path, figures: Int8Figures) -> None:
    """In a model of the user's own the figures travel along; one that ships is not changed."""
    own = {known.resolve() for known in default_store().models().values()}
    if path not in own:
        return
    from engine.checkpoints.safetensors_model import (  # noqa: PLC0415  # seconds
        load_checkpoint,
        write_with_record,
    )

    record = load_checkpoint(path).record
    provenance = {**record.provenance, "int8": figures.text}
    write_with_record(path, path, replace(record, provenance=provenance))


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
