"""``library``: whether the library is sound, and what to do if it is not."""

from __future__ import annotations

import argparse
from collections.abc import Generator
from pathlib import Path

from engine.api.errors import EngineError
from engine.cli.chosen import person
from engine.cli.common import EXIT_DONE, Commands, say, with_bar, write_out
from engine.interchange.importing.job import (
    FoundFiles,
    absolute,
    find_photos,
    import_labels,
    read_keywords,
)
from engine.interchange.importing.mapping import KnownLabels, propose
from engine.interchange.importing.values import ImportProgress, ImportSource
from engine.library.backup import asides, backups, newest_good_backup, restore_backup
from engine.library.errors import LibraryError
from engine.library.opening import open_library
from engine.library.repairing import begin_anew, rebuild_library
from engine.library.store import Library
from engine.library.values import look_at
from engine.metadata.attributes import read_file_attributes
from engine.resources import data_folder
from engine.texts import display_name, display_path, display_text, photos_text

_SOURCES = (ImportSource.SIDECAR, ImportSource.EMBEDDED, ImportSource.TXT)
_CAPTION = "Take labels from files beside photos"


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("library", help="check the library, restore or rebuild it")
    kinds = parser.add_subparsers(required=True, metavar="WHAT")
    for name, work, text in (
        ("check", _check, "say whether it is sound, and which copies there are"),
        ("restore", _restore, "put the newest good copy in its place"),
        ("rebuild", _rebuild, "save what can be read, with what the newest good copy has"),
        ("new", _begin, "begin a new one; the old one and its copies are kept aside"),
    ):
        kind = kinds.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        kind.set_defaults(command=work)
        kind.add_argument("--library", type=Path, metavar="FILE", help="default: the window's")
        if name == "new":
            kind.add_argument(
                "--labels-from",
                type=Path,
                action="append",
                metavar="FOLDER",
                help="take labels, ratings and titles from the files beside and in the photos "
                "there and in folders below; may be there several times",
            )


def _place(options: argparse.Namespace) -> Path:
    place: Path = options.library or data_folder() / "library.db"
    if not place.parent.is_dir():
        raise EngineError(f"There is no folder {display_path(place.parent)}.")
    return place


def _check(options: argparse.Namespace) -> int:
    place = _place(options)
    good = newest_good_backup(place)
    for copy in backups(place):
        state = "good" if copy == good else "older" if good and copy < good else "damaged"
        write_out(f"{display_path(copy)}: {state}")
    if not place.exists() and not backups(place) and not asides(place):
        raise EngineError(f"There is no library {display_path(place)}.")
    with open_library(place) as library:
        say(library.notice or f"{display_name(place)} is sound.")
    return EXIT_DONE


def _restore(options: argparse.Namespace) -> int:
    place = _place(options)
    copy = newest_good_backup(place)
    if copy is None:
        raise LibraryError(f"There is no good copy of {display_name(place)}.")
    aside = restore_backup(place, copy)
    say(f"{display_name(copy)} is in the place of {display_name(place)}.")
    _say_kept(aside)
    return EXIT_DONE


def _rebuild(options: argparse.Namespace) -> int:
    rebuilt = rebuild_library(_place(options))
    say(rebuilt.text())
    _say_kept(rebuilt.aside)
    return EXIT_DONE


def _begin(options: argparse.Namespace) -> int:
    place = _place(options)
    folders = [absolute(path) for path in options.labels_from or ()]
    for folder in folders:
        if not folder.is_dir():
            raise EngineError(f"There is no folder {display_path(folder)}.")
    _say_kept(begin_anew(place))
    with open_library(place) as library:
        if folders:
            _take_labels(library, folders)
        else:
            say(f"{display_name(place)} is new and empty.")
    return EXIT_DONE


def _take_labels(library: Library, folders: list[Path]) -> None:
    files = FoundFiles()
    for files in find_photos(folders, recursive=True):  # noqa: B007 - the last one
        pass
    found = with_bar(read_keywords(library, files.photos, _SOURCES, files.others), "read")
    for path, reason in (*files.problems, *found.problems):
        say(f"{display_path(path)}: {display_text(reason)}")
    mapping = propose([use.name for use in found.uses], KnownLabels.of(library))
    work = import_labels(library, found, mapping, who=person(), caption=_CAPTION)
    say(display_text(with_bar(work, "take").text()))
    with_bar(_take_attributes(library, files.photos), "look")
    say(f"{photos_text(len(files.photos))} looked at, also for ratings, colours and titles.")


def _take_attributes(library: Library, photos: list[Path]) -> Generator[ImportProgress, None, None]:
    there = [file for path in photos if (file := look_at(path)) is not None]
    images = zip(library.add_images(there), there, strict=True)
    for done, _ in enumerate(read_file_attributes(library, images), 1):
        yield ImportProgress(min(done, len(there)), len(there))


def _say_kept(aside: Path | None) -> None:
    if aside is not None:
        say(f"The old file is kept as {display_path(aside)}.")
