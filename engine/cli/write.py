"""``write``: write labels beside photos, where other programs read them, and undo it."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.api.errors import EngineError
from engine.cli.chosen import (
    add_library_arguments,
    chosen_ids,
    chosen_model,
    chosen_suggestions,
    chosen_thresholds,
    library_place,
    said_open,
)
from engine.cli.common import EXIT_DONE, EXIT_ENGINE_ERROR, Commands, say, with_bar, write_out
from engine.cli.photos import add_device_arguments, add_precision
from engine.data.datasets.reading import listed
from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.exporting.values import WhichLabels
from engine.interchange.importing.mapping import KnownLabels
from engine.interchange.writing.job import Steps, preview, undo, write
from engine.interchange.writing.renaming import read_renaming
from engine.interchange.writing.values import Target, WriteOptions, WriteReport
from engine.library.store import Library
from engine.metadata.exiftool import find_exiftool
from engine.texts import display_path, display_text


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("write", help="write labels beside photos for other programs")
    parser.set_defaults(command=_write)
    add_library_arguments(parser, paths="*")
    add = parser.add_argument
    add(
        "--labels",
        choices=[which.value for which in WhichLabels],
        default=WhichLabels.ACCEPTED.value,
        help="accepted or typed by a person (default), the machine's, or both",
    )
    add(
        "--to",
        choices=[target.value for target in Target],
        default=Target.SIDECAR.value,
        help="name.jpg.xmp (default), name.xmp, the photo itself, name.txt or name.jpg.txt",
    )
    add(
        "--yes-change-originals",
        action="store_true",
        help="with --to embed: agree that the photos themselves are changed",
    )
    add("--exiftool", default="", metavar="PROGRAM", help="for --to embed: where ExifTool is")
    add("--prefix", default="", metavar="P", help="what keywords lie under, such as auto")
    add("--parents", action="store_true", help="put labels under their kind: animal|cat")
    add("--rename", type=Path, metavar="TABLE", help="CSV or TOML: what labels are called there")
    add("--separator", default=", ", help="between the labels of a text file")
    add("--keep-mtime", action="store_true", help="files that are there keep their time")
    add("--dry-run", action="store_true", help="say what would be written, and write nothing")
    add_device_arguments(parser)
    add_precision(parser)
    add("--undo", action="store_true", help="take the last write back")


def _write(options: argparse.Namespace) -> int:
    if not options.undo and not options.paths:
        raise EngineError("Say which photos or folders: csra write PATH…")
    how = WriteOptions(
        Target(options.to),
        tuple(part.strip() for part in options.prefix.split("|") if part.strip()),
        read_renaming(options.rename) if options.rename else {},
        keep_mtime=options.keep_mtime,
        separator=options.separator,
        may_change_photos=options.yes_change_originals,
        exiftool=options.exiftool,
        parents=options.parents,
    )
    _check_consent(how, is_dry=options.dry_run or options.undo)
    if not how.separator:
        raise EngineError("The separator of a text file cannot be empty.")
    tags = options.labels != WhichLabels.ACCEPTED.value and not options.undo
    with said_open(library_place(options, may_be_new=tags)) as library:
        _say_idle(library, how)
        if options.undo:
            report = with_bar(_stopping(undo(library, options.exiftool)), "undo")
        else:
            choice = _choice(library, options)
            work = preview(library, choice, how) if options.dry_run else write(library, choice, how)
            report = with_bar(_stopping(work, says_all=options.dry_run), "write")
    return _say(report, is_dry=options.dry_run)


def _say_idle(library: Library, how: WriteOptions) -> None:
    """Tell of names in the table that no label has: most are typing errors."""
    known = KnownLabels.of(library) if how.renamed else None
    idle = [label for label in how.renamed if known is not None and not known.is_known(label)]
    if idle:
        say(f"warning: The table of names has labels that there are not: {listed(idle)}.")


def _check_consent(how: WriteOptions, *, is_dry: bool) -> None:
    if how.target is not Target.EMBED:
        return
    if not (is_dry or how.may_change_photos):
        raise EngineError(
            "--to embed changes the photos themselves: add --yes-change-originals if you want "
            "that, or --dry-run to see what would change."
        )
    find_exiftool(how.exiftool)  # before much is tagged


def _choice(library: Library, options: argparse.Namespace) -> ExportChoice:
    if options.labels == WhichLabels.ACCEPTED.value:
        model = chosen_model(library, options.model)
    else:
        from engine.cli.untagged import tag_untagged  # noqa: PLC0415 - only if it is wanted

        model = tag_untagged(library, options)
    return ExportChoice(
        chosen_ids(library, options.paths, recursive=options.recursive),
        WhichLabels(options.labels),
        model,
        chosen_thresholds(library, model, options.threshold),
        suggestions=chosen_suggestions(model),
    )


def _stopping(work: Steps, *, says_all: bool = False) -> Steps:
    """The same steps, but what would pause ends them: nobody is there to make room."""
    try:
        while True:
            try:
                progress = next(work)
            except StopIteration as end:
                report: WriteReport = end.value
                return report
            if progress.paused:
                raise EngineError(
                    f"{display_text(progress.paused)} Make room and run this again: it goes on "
                    "with what is missing."
                )
            for file in progress.planned if says_all else ():
                write_out(f"{display_path(file.path)}: {display_text(file.text())}")
            yield progress
    finally:
        work.close()


def _say(report: WriteReport, *, is_dry: bool) -> int:
    for path, reason in report.refused:
        say(f"{display_path(path.parent)}: {display_text(reason)}")
    text = report.text()
    say(text.replace("Labels written", "Labels would be written", 1) if is_dry else text)
    return EXIT_ENGINE_ERROR if report.refused else EXIT_DONE
