"""``evaluate``: how good a model is on labelled images."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from engine.api.config import EvaluateConfig
from engine.api.errors import ConfigError, DataError, ImageError
from engine.api.evaluation import EvaluationRequest
from engine.api.label_names import shown_label
from engine.cli.command_line import command_line
from engine.cli.common import (
    EXIT_DONE,
    EXIT_USAGE,
    Commands,
    add_decode,
    add_follow_links,
    say,
    with_bar,
)
from engine.cli.photos import add_device_arguments, add_precision
from engine.cli.publishing import kept_run, publish, run_to_compare
from engine.cli.tag_cluster import add_cluster_arguments, workers_of
from engine.cluster.evaluating import ClusterEvaluation
from engine.cluster.running import Cluster, Workers, connected
from engine.data.datasets.category_mapping import read_mapping
from engine.data.datasets.registry import DATASETS, dataset_spec
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.evaluation.evaluator import Alone, Share, merged
from engine.evaluation.job import EvaluationJob
from engine.explain.following import following
from engine.inference.predict import position_scores
from engine.metrics.bootstrap import BootstrapSettings
from engine.records.evaluations import EvaluationRun
from engine.records.model_record import CHOSEN_ON, is_ours
from engine.report.drift import Drift, drift
from engine.report.numbers import EvaluationReport, report
from engine.report.worst_errors import ErrorExample, example_of, worst_errors
from engine.service.local import LocalEngine
from engine.texts import display_text

_PHOTO_SIDE = 480
#: Looks at the images of an evaluation; nothing in processes that do not speak for all.
_RunOver = Callable[[EvaluationJob], EvaluationRun | None]


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    evaluate = commands.add_parser("evaluate", help="measure a model on labelled images")
    evaluate.set_defaults(command=_evaluate)
    evaluate.add_argument("--dataset", metavar="KIND", help=", ".join(DATASETS))
    evaluate.add_argument("--data", type=Path, metavar="DIR", help="where the data set lies")
    add_follow_links(evaluate)
    evaluate.add_argument("--split", help="of the data set (the only one, or test)")
    evaluate.add_argument("--model", metavar="NAME|FILE", help="default: the model that ships")
    evaluate.add_argument(
        "--lam", type=float, help="λ, for a file of the official code that does not say it"
    )
    evaluate.add_argument(
        "--heads", type=int, metavar="N", help="likewise; with the paper's temperatures for so many"
    )
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write every number")
    evaluate.add_argument("--html", type=Path, metavar="FILE", help="write a report to look at")
    add_device_arguments(evaluate)
    add_precision(evaluate)
    evaluate.set_defaults(precision=None)  # so that what was asked for is told from the default
    evaluate.add_argument("--tta", choices=("flip",), help="average with the mirror image")
    evaluate.add_argument("--size", type=int, metavar="N", help="input size in pixels")
    add_decode(evaluate)
    evaluate.add_argument(
        "--drift",
        action="store_true",
        help="also read photos the other way, and print what that changes",
    )
    evaluate.add_argument("--batch-size", type=int, default=0, help="0 chooses")
    evaluate.add_argument("--mapping", type=Path, metavar="FILE", help="old,new category names")
    evaluate.add_argument(
        "--limit", type=int, metavar="N", help="only so many images, spread over the split"
    )
    evaluate.add_argument("--strict", action="store_true", help="stop at the first fault")
    evaluate.add_argument("--resamples", type=int, default=1000, help="for intervals")
    evaluate.add_argument("--no-keep", action="store_true", help="do not keep the run")
    evaluate.add_argument(
        "--compare", metavar="RUN", help="say, and show in the page, what changed since"
    )
    evaluate.add_argument(
        "--from-run", metavar="RUN", help="score a kept run again; needs neither model nor images"
    )
    add_cluster_arguments(evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    bootstrap = BootstrapSettings(options.resamples)
    earlier = run_to_compare(options)
    if options.from_run:
        if options.precision is not None:
            say(
                "error: --from-run scores again what a model said then; --precision cannot change "
                "that. Leave one of them out."
            )
            return EXIT_USAGE
        kept = kept_run(options.from_run)
        return publish(options, report(kept, bootstrap), earlier)
    if options.dataset is None or options.data is None:
        say("error: --dataset and --data are needed (or --from-run).")
        return EXIT_USAGE
    with (
        _processes(options) as (process, device, backend),
        closing(
            LocalEngine(device, backend=backend, precision=options.precision or "float")
        ) as engine,
        engine.evaluation(_request(options)) as work,
    ):
        pool = engine.pool
        if process.is_first:
            _say_problems(work)
        with _runner(options, pool, process) as run_over:
            run = run_over(work)
            found = _drift(work, run, run_over) if options.drift else None
        if run is None:
            return EXIT_DONE  # another process speaks
        numbers = report(run, bootstrap)
        if not options.no_keep:
            say(f"Kept as run {work.keep(run).name}.")
        examples = _examples(work, pool, numbers) if options.html else ()
        return publish(options, numbers, earlier, examples, found)


@contextlib.contextmanager
def _processes(
    options: argparse.Namespace,
) -> Generator[tuple[Share, str, str], None, None]:
    """This process alone, or those that torchrun started; with the device and what runs there."""
    if options.ray is not None:
        if options.device != "auto":
            raise ConfigError("--device is for this machine. With --ray, use --gpus-per-worker.")
        yield Alone(), "cpu", options.backend  # of this machine, which looks at no image
        return
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Alone(), options.device, options.backend
        return
    spread = importlib.import_module(f"{__package__}.spread").spread
    backend = "torch" if options.backend == "auto" else options.backend
    with spread(options.device) as (process, device):
        yield process, device, backend


def _request(options: argparse.Namespace) -> EvaluationRequest:
    return EvaluationRequest(
        options.dataset,
        options.data,
        options.split or _usual_split(options.dataset, options.data),
        options.model,
        config=EvaluateConfig(
            options.batch_size, options.tta == "flip", options.size, options.decode
        ),
        mapping=read_mapping(options.mapping) if options.mapping else None,
        strict=options.strict,
        limit=options.limit,
        follow_links=options.follow_links,
        lam=options.lam,
        heads=options.heads,
        command=command_line(options.arguments),
    )


def _usual_split(dataset: str, data: Path) -> str:
    """What is measured where nobody says it: the only split there is, or the one to measure on."""
    splits = dataset_spec(dataset).splits(data)
    return splits[0] if len(splits) == 1 else "test"


def _say_problems(work: EvaluationJob) -> None:
    record = work.model.record
    if not is_ours(work.model.path):  # what was taken for granted stands in there
        say(display_text(record.description))
    if chosen := record.provenance.get(CHOSEN_ON):
        say(
            f"This model was chosen on {display_text(chosen)}: its epoch, thresholds and "
            "calibration. Numbers that are measured there are too high."
        )
    for problem in work.images.problems:
        say(display_text(problem))
    if missing := work.images.categories_without_positives():
        names = ", ".join(map(shown_label, missing))
        say(f"No image has {names}; the means leave these categories out.")


@contextlib.contextmanager
def _runner(
    options: argparse.Namespace, pool: DecodePool, process: Share
) -> Generator[_RunOver, None, None]:
    """What looks at the images: this process, those of torchrun, or the workers of a cluster."""
    if options.ray is None:
        yield partial(_run, pool=pool, process=process)
        return
    workers = workers_of(options)
    with connected(options.ray) as cluster:
        fitting = cluster.fitting(workers)
        yield partial(_run_on_cluster, cluster=cluster, workers=fitting, options=options)


def _run(work: EvaluationJob, pool: DecodePool, process: Share) -> EvaluationRun | None:
    share = with_bar(work.evaluator.run(pool, process), work.images.name)
    shares = process.gather(share)
    if not process.is_first:
        return None
    run = work.as_run(merged(shares, work.images), process.count)
    _check_strict(work, run)
    return run


def _run_on_cluster(
    work: EvaluationJob, cluster: Cluster, workers: Workers, options: argparse.Namespace
) -> EvaluationRun:
    evaluation = ClusterEvaluation(
        work, cluster, workers, options.backend, options.precision or "float"
    )
    run = with_bar(evaluation.run(), work.images.name)
    _check_strict(work, run)
    return run


def _check_strict(work: EvaluationJob, run: EvaluationRun) -> None:
    if run.failed and work.request.strict:
        name, reason = run.failed[0]
        raise DataError(f"The image {name} cannot be read: {reason}")


def _drift(work: EvaluationJob, run: EvaluationRun | None, run_over: _RunOver) -> Drift | None:
    """What it changes to read photos the other way; none but the first process knows."""
    config = work.request.config
    other = replace(config, decode="exact" if config.decode == "fast" else "fast")
    again = run_over(work.with_config(other))
    return None if run is None or again is None else drift(run, again)


def _examples(
    work: EvaluationJob, pool: DecodePool, numbers: EvaluationReport
) -> tuple[ErrorExample, ...]:
    """The worst errors with their photos and maps."""
    places = {name: row for row, name in enumerate(work.images.ids)}
    model_categories = work.model.config.categories
    examples = []
    for case in worst_errors(numbers):
        row = places[numbers.run.ids[case.row]]
        path = work.images.paths[row]
        crop = None if work.images.crops is None else work.images.crops[row]
        with contextlib.suppress(ImageError):  # it was readable a moment ago
            image = pool.submit(work.evaluator.request(row)).result()
            own = position_scores(work.backend, work.model.weights.id, path, image)
            scores = following(own, work.model.config.parents)
            photo = pool.submit(DecodeRequest(path, _PHOTO_SIDE, "inside", crop)).result()
            examples.append(example_of(case, numbers, work.images, scores, photo, model_categories))
    return tuple(examples)
