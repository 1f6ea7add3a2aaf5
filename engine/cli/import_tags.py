"""``import-tags``: take over what ``csra tag`` found elsewhere, so that nothing is tagged again."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Generator
from pathlib import Path

from tqdm import tqdm

from engine.cli.chosen import library_place, said_open
from engine.cli.common import EXIT_DONE, EXIT_ENGINE_ERROR, Commands, say, write_out
from engine.interchange.importing.tag_files import SUFFIXES, find_tag_files
from engine.interchange.importing.tag_paths import PathMap, read_rule
from engine.interchange.importing.tag_values import (
    ADVICE,
    TagCheck,
    TagProgress,
    TagReport,
    TagWish,
)
from engine.interchange.importing.tags import import_tags, preview_tags, summary_lines
from engine.records.inventory import models_here
from engine.records.models import default_store
from engine.texts import display_path, photos_text


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("import-tags", help="take over what csra tag found elsewhere")
    parser.set_defaults(command=_import_tags)
    add = parser.add_argument
    add("paths", nargs="+", type=Path, metavar="PATH", help=f"result or folder ({_endings()})")
    add(
        "--map",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="what was below OLD there is below NEW here; more than once for several",
    )
    add(
        "--check",
        choices=[check.value for check in TagCheck],
        default=TagCheck.SIZE_TIME.value,
        help="what must agree between a row and the file here (default: %(default)s)",
    )
    add("--replace", action="store_true", help="also replace scores of the same model")
    add("--known-only", action="store_true", help="leave photos out that the library lacks")
    add(
        "--complete-only",
        action="store_true",
        help="leave rows out that give only their best labels (their others would count as 0)",
    )
    add("--use", action="store_true", help="make the model of most rows the one used last")
    add("--dry-run", action="store_true", help="say what would be imported, and import nothing")
    add("--library", type=Path, metavar="FILE", help="default: the window's library")


def _import_tags(options: argparse.Namespace) -> int:
    rules = tuple(read_rule(text) for text in options.map)
    wish = TagWish(
        PathMap(rules, Path.cwd()),
        TagCheck(options.check),
        replace=options.replace,
        known_only=options.known_only,
        complete_only=options.complete_only,
        use=options.use,
    )
    files = find_tag_files(options.paths)
    with said_open(library_place(options, may_be_new=True)) as library:
        work = preview_tags if options.dry_run else import_tags
        report = _watched(work(library, files, wish, models_here(default_store())))
    for there, here in report.examples if options.dry_run else ():
        write_out(f"{there} → {display_path(here)}")
    for line in summary_lines(report, ADVICE):
        say(line)
    if options.dry_run:
        say("Nothing was imported.")
    return EXIT_DONE if report.rows or not report.problems else EXIT_ENGINE_ERROR


def _watched(work: Generator[TagProgress, None, TagReport]) -> TagReport:
    """The report, with a bar meanwhile; whoever stops it hears what is done."""
    imported = 0
    hidden = not sys.stderr.isatty()
    with (
        contextlib.closing(work),
        tqdm(desc="import", unit="B", unit_scale=True, disable=hidden, leave=False) as bar,
    ):
        try:
            while True:
                progress = next(work)
                imported = progress.imported
                bar.total = progress.total
                bar.set_postfix_str(f"{progress.rows:,} rows", refresh=False)
                bar.update(progress.done - bar.n)
        except StopIteration as end:
            report: TagReport = end.value
            return report
        except KeyboardInterrupt:
            say(
                f"{photos_text(imported)} were through, in whole batches. The same command again "
                "goes on with the rest."
            )
            raise


def _endings() -> str:
    return ", ".join(SUFFIXES)
