"""Photos made ready to be compared: their descriptors are in a library, however they got there."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np

from engine.api.config import PredictConfig
from engine.api.errors import ModelError
from engine.cli.chosen import library_place, said_open
from engine.cli.common import say, with_bar
from engine.cli.photos import add_device_arguments, add_precision
from engine.cli.untagged import tag_into
from engine.library.columns import IntArray
from engine.library.errors import LibraryLockedError
from engine.library.neighbours import DescriptorIndex
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import LibraryModel, look_at
from engine.records.litter import OwnFolder
from engine.service.local import LocalEngine
from engine.texts import photos_text

_AT_ONCE = 1000


def add_comparing_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which photos are compared, by which model."""
    add = parser.add_argument
    add("paths", nargs="+", type=Path, metavar="DIR", help="folder or photo to look in")
    add("--recursive", "-r", action="store_true", help="also folders in folders")
    add("--model", metavar="NAME|FILE", help="default: the model that ships")
    add("--library", type=Path, metavar="FILE", help="default: the window's library")
    add_device_arguments(parser)
    add_precision(parser)
    # What else ``find_photos`` asks for.
    parser.set_defaults(follow_links=True, separate_raw=False, list_left_out=False)


@contextlib.contextmanager
def usable_library(options: argparse.Namespace) -> Generator[Library, None, None]:
    """The library, to take from and to note in; one for now while another program has it open.

    Raises:
        LibraryError: it is damaged, or cannot be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            library = said_open(library_place(options, may_be_new=True))
        except LibraryLockedError:
            say("The library is open in another window or command, so photos are looked at anew.")
            folder = stack.enter_context(OwnFolder())
            library = open_library(folder / "library.db")
        yield stack.enter_context(library)


def described(
    library: Library, options: argparse.Namespace, paths: Sequence[Path]
) -> tuple[DescriptorIndex, dict[int, Path]]:
    """See to it that photos have descriptors; those that were not known go through the model.

    Photos that cannot be read are said and have none.

    Returns:
        The descriptors, and the photos that have one by their ids in the library.

    Raises:
        EngineError: the model cannot be opened or gives nothing to compare photos by, or the
            library cannot be written.
    """
    places = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - see chosen
    files = [file for path in places if (file := look_at(path)) is not None]
    images: dict[int, Path] = {}
    for first in range(0, len(files), _AT_ONCE):
        some = files[first : first + _AT_ONCE]
        images.update(zip(library.add_images(some), (file.path for file in some), strict=True))
    with contextlib.closing(
        LocalEngine(options.device, backend=options.backend, precision=options.precision)
    ) as engine:
        info = engine.open_model(options.model)
        if not info.descriptor_kind:
            raise ModelError(
                f"{info.full_name!r} was imported from ONNX and gives nothing by which photos "
                "could be compared. Take a model of this program (--model)."
            )
        library.add_model(LibraryModel.of(info))
        index = DescriptorIndex(library, info.descriptor_kind)
        known = _known(index)
        missing = [path for image_id, path in images.items() if image_id not in known]
        if missing:
            config = PredictConfig(descriptors="all", facts=True)
            with_bar(tag_into(library, engine, info.id, missing, config), "look")
            known = _known(index)
    unknown = len(images.keys() - known) + len(places) - len(files)
    if unknown:
        say(
            f"{photos_text(unknown)} could not be read and {'is' if unknown == 1 else 'are'} not "
            "compared."
        )
    return index, {image_id: path for image_id, path in images.items() if image_id in known}


def _known(index: DescriptorIndex) -> set[int]:
    return {image_id for page in index.pages() for image_id in page.image_ids.tolist()}


def ids_of(images: dict[int, Path]) -> IntArray:
    """(N,) of photos."""
    return np.fromiter(images, dtype=np.int64, count=len(images))
