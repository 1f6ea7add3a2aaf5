"""``explain``: write the maps of photos, without a window."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from engine.api.categories import Categories
from engine.api.errors import DataError, EngineError, ImageError, ModelError
from engine.api.label_names import SHIPPED_NAMES, index_of
from engine.api.values import ModelInfo
from engine.cli.common import (
    EXIT_DONE,
    EXIT_ENGINE_ERROR,
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    Commands,
    say,
    write_out,
)
from engine.cli.photos import add_photo_arguments, find_photos
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.data.kinds import left_out_text
from engine.explain.colormaps import ColorMapName
from engine.explain.drawn_maps import DrawingSettings
from engine.explain.evidence import MapKind
from engine.explain.explained_photo import (
    ExplainedPhoto,
    write_arrays,
    write_maps,
    write_overlays,
    write_sheet,
)
from engine.explain.output_names import OutputNames
from engine.report.explanations import open_page
from engine.service.local import LocalEngine
from engine.texts import display_path, reason_text

#: Longest side of a written photo, in pixels.
_PHOTO_SIDE = 2048
_TOP = "top"
_PAGE = "html"
_WRITERS: dict[str, Callable[[ExplainedPhoto, OutputNames], list[Path]]] = {
    "png": write_overlays,
    "npy": write_maps,
    "npz": write_arrays,
    "sheet": write_sheet,
}
AddPhoto = Callable[[ExplainedPhoto], None]


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    explain = commands.add_parser(
        "explain", help="draw where the model saw each label", description=__doc__
    )
    explain.set_defaults(command=_explain)
    add = explain.add_argument
    add_photo_arguments(explain)
    add(
        "--categories",
        default=_TOP,
        metavar="A,B|top",
        help="names, or top: every label that reaches the threshold (default)",
    )
    add(
        "--kind",
        type=MapKind,
        choices=list(MapKind),
        default=MapKind.LOCAL_PROBABILITY,
        help="which map (default %(default)s)",
    )
    add(
        "--input-size",
        type=int,
        metavar="PIXELS",
        help="side of the network's input; larger is a finer map (default: the model's own)",
    )
    add(
        "--output",
        type=Path,
        default=Path("explanations"),
        metavar="DIR",
        help="folder for the files; nothing in it is overwritten (default %(default)s)",
    )
    add(
        "--format",
        type=_formats,
        default=("png",),
        metavar="FORMATS",
        help="png (one per map), npy (the same as numbers), npz (all numbers of a photo), sheet "
        "(all maps in one picture), html (one page), with commas between (default png)",
    )
    add(
        "--colormap",
        type=ColorMapName,
        choices=list(ColorMapName),
        help="default: one that suits the kind",
    )
    add("--raw", action="store_true", help="the true cells of the map, not smoothed")


def _formats(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    known = (*_WRITERS, _PAGE)
    if unknown := [name for name in names if name not in known]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
    return names


def _explain(options: argparse.Namespace) -> int:
    found = find_photos(options)
    if found is None:
        return EXIT_USAGE
    with (
        contextlib.closing(
            LocalEngine(options.device, backend=options.backend, precision=options.precision)
        ) as engine,
        DecodePool(1) as pool,
    ):
        model = engine.open_model(options.model)
        _check_says_where(model)
        wanted = _wanted(options.categories, model.categories)
        settings = DrawingSettings(
            options.kind, options.threshold, options.colormap, raw=options.raw
        )
        names = _names_in(options.output)
        with _page(options, model, names, left_out_text(found.left_out)) as page:
            run = _Run(
                engine, pool, model, wanted, settings,
                options.input_size, options.format, names, page,
            )  # fmt: skip
            return run.explain_all(found.paths)


def _check_says_where(model: ModelInfo) -> None:
    """Before anything is drawn.

    Raises:
        ModelError: the model has no maps.
    """
    if not model.says_where:
        raise ModelError(
            f"{model.full_name!r} says what, not where: it has no maps to draw. Take a model with "
            "maps (--model)."
        )


def _wanted(text: str, categories: Categories) -> list[int] | None:
    """Indices of the categories that were named; ``None`` for those that are found."""
    if text in categories:  # also one that is called "top", or has a comma in it
        return [categories.index_of(text)]
    if text == _TOP:
        return None
    named = dict.fromkeys(name.strip() for name in text.split(","))
    return [index_of(name, categories) for name in named]


def _names_in(folder: Path) -> OutputNames:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return OutputNames(folder)
    except OSError as error:
        reason = reason_text(error)
        raise DataError(f"The folder {display_path(folder)} cannot be used: {reason}.") from error


@contextlib.contextmanager
def _page(
    options: argparse.Namespace, model: ModelInfo, names: OutputNames, note: str
) -> Generator[AddPhoto | None, None, None]:
    """What adds photos to the page, which takes its name when all is written."""
    if _PAGE not in options.format:
        yield None
        return
    target = names.take(Path("explanations"), (), ".html")
    with open_page(model.full_name, options.kind, target, note) as add:
        yield add
    say(f"The page is {display_path(target)}.")


@dataclass
class _Run:
    """One run over photos; each has one line on standard output."""

    engine: LocalEngine
    pool: DecodePool
    model: ModelInfo
    wanted: list[int] | None
    settings: DrawingSettings
    input_size: int | None
    formats: Sequence[str]
    names: OutputNames
    add_to_page: AddPhoto | None

    def explain_all(self, paths: Sequence[Path]) -> int:
        done, failed, status = 0, 0, EXIT_DONE
        try:
            hidden = sys.stdout.isatty() or not sys.stderr.isatty()
            for path in tqdm(paths, unit="photo", disable=hidden, leave=False, file=sys.stderr):
                try:
                    write_out(json.dumps(self._explain_one(path)))
                except ImageError as error:
                    write_out(json.dumps(self._row(path, error=str(error))))
                    failed += 1
                sys.stdout.flush()
                done += 1
        except KeyboardInterrupt:  # what is done is kept, here and below
            status = EXIT_INTERRUPTED
        except EngineError as error:
            say(f"error: {error}")
            status = EXIT_ENGINE_ERROR
        unread = f", {failed} could not be read" if failed else ""
        say(f"{done - failed} of {len(paths)} photos explained{unread}.")
        return status

    def _explain_one(self, path: Path) -> dict[str, object]:
        pending = self.pool.submit(DecodeRequest(path, _PHOTO_SIDE))
        try:
            position_scores = self.engine.explain(self.model.id, path, input_size=self.input_size)
            pixels = pending.result().pixels
        finally:
            pending.cancel()
        photo = ExplainedPhoto.of(pixels, position_scores, self.model, self.wanted, self.settings)
        files = [
            file
            for name, write in _WRITERS.items()
            if name in self.formats
            for file in write(photo, self.names)
        ]
        if self.add_to_page is not None:
            self.add_to_page(photo)
        return self._row(path, photo, files)

    def _row(
        self,
        path: Path,
        photo: ExplainedPhoto | None = None,
        files: Sequence[Path] = (),
        error: str | None = None,
    ) -> dict[str, object]:
        return {
            "path": os.fspath(path),
            "model": self.model.full_name,
            "kind": self.settings.kind.value,
            "scale": [photo.style.low, photo.style.high] if photo else None,
            "categories": _categories(photo) if photo else [],
            "files": [os.fspath(file) for file in files],
            "error": error,
        }


def _categories(photo: ExplainedPhoto) -> list[dict[str, object]]:
    return [
        {
            "category": photo.model.categories[c],
            "name": SHIPPED_NAMES.label(photo.model.categories[c]),
            "score": round(float(photo.scores[c]), 6),
            "logit": round(float(photo.logits[c]), 6),
            "label": bool(photo.scores[c] >= photo.settings.threshold),
            "follows_from": photo.follows_from(c),
        }
        for c in photo.shown
    ]
