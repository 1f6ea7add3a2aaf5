"""``tag --ray``: the same on the machines of a cluster, to be gone on with when it is stopped."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Generator
from pathlib import Path

from tqdm import tqdm

from engine.api.errors import ConfigError
from engine.cli.common import EXIT_DONE, EXIT_INTERRUPTED, EXIT_USAGE, say, write_out
from engine.cluster.listing import Wanted
from engine.cluster.places import is_remote
from engine.cluster.running import LOCAL, Workers, connected
from engine.cluster.tagging import TagReport, TagRequest, tag
from engine.texts import about, display_text

_CAUSES_SHOWN = 5


def add_cluster_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where a cluster is and what it gives to each worker."""
    add = parser.add_argument
    add(
        "--ray",
        metavar="ADDRESS",
        help=f"work on a Ray cluster: HOST:PORT, auto, or {LOCAL} for this machine alone",
    )
    add("--workers", type=int, default=0, metavar="N", help="of a cluster; 0: all it has room for")
    add(
        "--cpus-per-worker",
        type=float,
        default=1.0,
        metavar="N",
        help="cores of each worker of a cluster; a fraction shares one (default %(default)g)",
    )
    add(
        "--gpus-per-worker",
        type=float,
        default=0.0,
        metavar="N",
        help="GPUs of each; a fraction shares one; 0 runs models on the processor (default)",
    )


def add_tag_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``tag --ray`` takes besides."""
    add_cluster_arguments(parser)
    add = parser.add_argument
    add(
        "--list",
        metavar="FILE",
        help="with --ray: photos by a text with a path per line, or by a Parquet file",
    )
    add("--column", default="path", help="of the Parquet file (default %(default)s)")
    add(
        "--rows-per-part",
        type=int,
        default=0,
        metavar="N",
        help="with --ray: photos in each file that is written; 0 chooses",
    )


def place(text: str) -> Path | str:
    """What is named on the command line: a path, or a place on a storage as it is written."""
    return text if is_remote(text) or text.startswith("file://") else Path(text)


def workers_of(options: argparse.Namespace) -> Workers:
    """What is asked for.

    Raises:
        ConfigError: that makes no sense.
    """
    return Workers(options.workers, options.cpus_per_worker, options.gpus_per_worker)


def without_cluster(options: argparse.Namespace) -> str | None:
    """What of the options needs ``--ray``, as a sentence; ``None`` if nothing does."""
    if options.list is not None:
        return "--list is for --ray alone. Name photos or folders, or add --ray local."
    remote = [each for each in (*options.paths, options.output) if isinstance(each, str)]
    if remote:
        return f"{display_text(remote[0])} can only be reached with --ray. Add --ray local."
    if not options.paths:
        return "no photos are named. Name photos or folders."
    return None


def tag_on_cluster(options: argparse.Namespace) -> int:
    """Do it; the exit status. The report goes to the terminal, and into the folder."""
    if (misuse := _misuse(options)) is not None:
        say(f"error: {misuse}")
        return EXIT_USAGE
    request = TagRequest(
        Wanted(
            tuple(map(os.fspath, options.paths)),
            options.list,
            options.column,
            options.recursive,
            options.follow_links,
            not options.separate_raw,
        ),
        os.fspath(options.output),
        options.model,
        options.backend,
        options.precision,
        options.threshold,
        options.sha256,
        options.rows_per_part,
    )
    workers, status = workers_of(options), EXIT_DONE
    report: TagReport | None = None
    say("Reaching the cluster and listing the photos.")
    try:
        with (
            connected(options.ray) as cluster,
            contextlib.closing(tag(request, cluster, workers)) as reports,
        ):
            for newest in _shown(reports):
                report = newest
    except KeyboardInterrupt:
        status = EXIT_INTERRUPTED
        if report is not None:
            report.interrupted = True
        say("Stopped. Give the same command again to go on; what is written is not done again.")
    if report is not None:
        _say_causes(report)
        write_out(json.dumps(report.as_dict()))
    return status


def _misuse(options: argparse.Namespace) -> str | None:
    has_list, is_text = options.list is not None, options.format not in ("jsonl", "parquet")
    wrong = (
        (options.output is None, "--ray writes a folder of Parquet files. Add --output DIR."),
        (bool(options.paths) == has_list, "name either photos and folders or --list FILE."),
        (options.device != "auto", "--device is for this machine. Use --gpus-per-worker."),
        (options.shard is not None, "--shard needs no cluster. Leave out --shard or --ray."),
        (is_text, "--ray writes Parquet only. Leave out --format."),  # "jsonl" is the usual one
        (options.rows_per_part < 0, "--rows-per-part must be 1 or more, or 0 to have it chosen."),
    )
    for is_wrong, sentence in wrong:
        if is_wrong:
            return sentence
    try:
        workers_of(options)
    except ConfigError as error:
        return str(error)
    return None


def _shown(reports: Generator[TagReport, None, TagReport]) -> Generator[TagReport, None, None]:
    """The reports, with a bar; where nobody sees one, a line now and then."""
    with tqdm(unit="photo", disable=None, leave=False, file=sys.stderr) as bar:
        for number, report in enumerate(reports):
            if number == 0:
                bar.reset(report.total)
                bar.update(report.before)
                _say_begin(report)
            bar.update(report.before + report.done - bar.n)
            yield report


def _say_begin(report: TagReport) -> None:
    if report.change:
        say(report.change)
    if report.left_out:
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in report.left_out.most_common())
        say(f"Left out: {kinds}")
    for reason, count in report.skipped.most_common(_CAUSES_SHOWN):
        say(f"{count:,} places could not be looked into: {display_text(reason)}")
    if report.before:
        say(f"{report.before:,} of {report.total:,} photos are done already.")


def _say_causes(report: TagReport) -> None:
    took = about(report.seconds) if report.seconds else "no time"
    say(f"{report.done:,} of {report.total:,} photos looked at now, in {took}.")
    for cause, count in report.failures.most_common(_CAUSES_SHOWN):
        say(f"{count:,} could not be read: {display_text(cause)}")
