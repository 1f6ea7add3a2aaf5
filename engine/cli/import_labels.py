"""``import``: take over labels that are in files already: keywords, lists, data sets."""

from __future__ import annotations

import argparse
from collections.abc import Generator
from pathlib import Path

from engine.api.errors import EngineError
from engine.cli.chosen import person, said_open
from engine.cli.common import EXIT_DONE, EXIT_ENGINE_ERROR, Commands, say, with_bar, write_out
from engine.interchange.importing.annotations import is_list
from engine.interchange.importing.job import (
    FoundFiles,
    absolute,
    find_photos,
    import_labels,
    read_keywords,
    read_lists,
)
from engine.interchange.importing.mapping import (
    KnownLabels,
    idle_text,
    propose,
    read_mapping_table,
    write_mapping_table,
)
from engine.interchange.importing.values import (
    PHOTO_SOURCES,
    USUAL_SOURCES,
    FoundLabels,
    ImportProgress,
    ImportSource,
    NameUse,
)
from engine.library.store import Library
from engine.resources import data_folder
from engine.texts import display_name, display_path, display_text, photos_text

_EXAMPLES = 3


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("import", help="take over labels that files have already")
    parser.set_defaults(command=_import)
    add = parser.add_argument
    add("paths", nargs="+", type=Path, metavar="PATH", help="photo, folder, list or data set")
    add(
        "--from",
        dest="sources",
        action="append",
        choices=[source.value for source in ImportSource],
        help="where labels are; more than once for several of sidecar, embedded and txt "
        "(default: sidecar and embedded, or what a list is by its name)",
    )
    add("--map", type=Path, metavar="TABLE", help="CSV of name and label; no label: left out")
    add("--save-map", type=Path, metavar="TABLE", help="write what names mean, to edit it")
    add("--known-only", action="store_true", help="leave names out that no label has yet")
    add("--dry-run", action="store_true", help="say what would be imported, and import nothing")
    add("--recursive", "-r", action="store_true", help="also folders in folders")
    add("--library", type=Path, metavar="FILE", help="default: the window's library")


def _import(options: argparse.Namespace) -> int:
    sources = _sources(options.sources)
    table = read_mapping_table(options.map) if options.map else {}
    missing = [path for path in options.paths if not path.exists()]
    if missing:
        raise EngineError(f"There is no file or folder {display_path(missing[0])}.")
    place = options.library or data_folder() / "library.db"
    place.parent.mkdir(parents=True, exist_ok=True)
    with said_open(place) as library:
        found = _read(library, options, sources)
        known = KnownLabels.of(library)
        mapping = propose([use.name for use in found.uses], known)
        if options.known_only:
            mapping = {n: label if known.is_known(label) else "" for n, label in mapping.items()}
        idle = idle_text(table, mapping, options.map) if options.map else ""
        if idle:
            say(f"warning: {idle}")
        mapping |= {name: label for name, label in table.items() if name in mapping}
        if options.save_map:
            write_mapping_table(options.save_map, mapping)
        for path, reason in found.problems:
            say(f"{display_path(path)}: {display_text(reason)}")
        if options.dry_run:
            return _preview(found, mapping, known)
        work = import_labels(
            library, found, mapping, who=person(), caption=f"Import labels of {_name(options)}"
        )
        say(display_text(with_bar(work, "import").text()))
    return EXIT_DONE if found.photos or not found.problems else EXIT_ENGINE_ERROR


def _sources(names: list[str] | None) -> tuple[ImportSource, ...]:
    sources = tuple(dict.fromkeys(ImportSource(name) for name in names or ()))
    lists = [source for source in sources if source not in PHOTO_SOURCES]
    if lists and len(sources) > 1:
        raise EngineError(f"--from {lists[0].value} cannot stand beside another --from.")
    return sources


def _read(
    library: Library, options: argparse.Namespace, sources: tuple[ImportSource, ...]
) -> FoundLabels:
    paths = [absolute(path) for path in options.paths]
    if sources and sources[0] not in PHOTO_SOURCES:
        return with_bar(read_lists(paths, sources[0]), "read")
    lists = [] if sources else [path for path in paths if is_list(path)]
    parts = [with_bar(read_lists(lists), "read")] if lists else []
    rest = [path for path in paths if path not in lists]
    if rest:
        files = FoundFiles()
        for files in find_photos(rest, recursive=options.recursive):  # noqa: B007 - the last one
            pass
        work = read_keywords(library, files.photos, sources or USUAL_SOURCES, files.others)
        read: Generator[ImportProgress, None, FoundLabels] = work
        parts += [FoundLabels(problems=tuple(files.problems)), with_bar(read, "read")]
        if not files.photos:
            hint = "" if options.recursive else " Try --recursive."
            say(f"No photos found.{hint}")
    return FoundLabels(
        tuple(photo for part in parts for photo in part.photos),
        sum(part.looked_at for part in parts),
        tuple(problem for part in parts for problem in part.problems),
    )


def _preview(found: FoundLabels, mapping: dict[str, str], known: KnownLabels) -> int:
    for use in found.uses:
        write_out(_line(use, mapping[use.name], known))
    count = len(found.photos)
    say(f"{len(found.uses):,} names on {photos_text(count)} of {found.looked_at:,}.")
    say("Nothing was imported.")
    return EXIT_DONE


def _line(use: NameUse, label: str, known: KnownLabels) -> str:
    meaning = "left out"
    if label:
        meaning = f"{'label' if known.is_known(label) else 'new label'} “{label}”"
    wrong = f", wrong on {use.rejected:,}" if use.rejected else ""
    names = ", ".join(display_name(path) for path in use.examples[:_EXAMPLES])
    more = ", …" if use.count + use.rejected > _EXAMPLES else ""
    return display_text(f"{use.name} ({use.count:,}{wrong}) → {meaning}: {names}{more}")


def _name(options: argparse.Namespace) -> str:
    first = display_name(absolute(options.paths[0]))
    return first if len(options.paths) == 1 else f"{first} and more"
