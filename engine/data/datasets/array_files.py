"""NumPy's files of scores and labels, whoever wrote them: which array is which."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import DataError
from engine.data.datasets.labelled import IgnoredAs
from engine.texts import display_name

#: How a column or a key may be called; blanks, dashes and case do not matter.
NAME_KEYS = (
    *("path", "image", "images", "file", "files", "filename", "filenames", "filepath", "filepaths"),
    *("imgpath", "imagepath", "imagename", "imagefile", "img", "photo", "picture", "paths"),
    *("imageid", "imageids", "id", "ids", "photoid", "sampleid", "name", "names", "key"),
)
CATEGORY_KEYS = ("categories", "classes", "classnames", "categorynames", "labelnames", "columns")
TARGET_KEYS = ("targets", "target", "ytrue", "truth", "groundtruth", "labels", "label", "y")
IGNORED_KEYS = ("ignored", "ignore", "ignoremask", "unknown")
_NOT_COUNTED = str.maketrans("", "", " -_")
#: What the file says of its ignored entries, in one text.
IGNORED_AS_KEY = "ignoredas"
_MAX_BYTES = 16 << 30
#: What NumPy and zipfile raise of files that are damaged, encrypted or of another program.
ARRAY_DAMAGE = (
    EOFError,
    KeyError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    ValueError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def load_array(path: Path) -> NDArray[Any]:
    """The array of a ``.npy`` file.

    Raises:
        DataError: it is none, or holds Python objects.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{display_name(path)} is too large.")
        with path.open("rb") as file:
            return np.asarray(np.load(file, allow_pickle=False))
    except ARRAY_DAMAGE as error:
        raise _unreadable(path, error) from error


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an ``.npz`` file by name, in small letters without dashes.

    Raises:
        DataError: it is none, or an array holds Python objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MAX_BYTES:
                raise DataError(f"{display_name(path)} is too large once it is unpacked.")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            # What is in the archive and is no array comes out as bytes.
            return {key_of(key): np.asarray(arrays[key]) for key in arrays.files}
    except ARRAY_DAMAGE as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    if "allow_pickle" in str(error):
        return DataError(
            f"{display_name(path)} holds Python objects, which are not read for safety. Save names "
            "as np.array(names, dtype=str)."
        )
    return DataError(f"{display_name(path)} cannot be read: {error}.")


def names_in(arrays: dict[str, NDArray[Any]], keys: Sequence[str]) -> tuple[str, ...]:
    """The names in the first array that is called so; none if there is none."""
    found = next((arrays[key] for key in keys if key in arrays), None)
    if found is None:
        return ()
    if found.dtype.kind == "S":
        return tuple(bytes(one).decode("utf-8", "replace") for one in found.ravel().tolist())
    return tuple(str(one) for one in found.ravel().tolist())


def truth_of(
    arrays: dict[str, NDArray[Any]], path: Path
) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_] | None]:
    """Targets and ignored entries among arrays, (N, C) each; ``None`` without targets.

    Raises:
        DataError: the targets hold anything but 1, 0 and NaN for nobody knows.
    """
    tables = (arrays[key] for key in TARGET_KEYS if key in arrays)
    found = next((one for one in tables if one.ndim == 2 and one.dtype.kind in "biuf"), None)
    if found is None:
        return None, None
    values = found.astype(np.float64)
    unknown = np.isnan(values)
    if not np.isin(values[~unknown], (0.0, 1.0)).all():
        raise DataError(
            f"The labels in {display_name(path)} are not only 1 and 0. Mark what nobody knows in "
            "an array of its own called ignored (1 or 0), or as NaN."
        )
    mask = next((arrays[key] for key in IGNORED_KEYS if key in arrays), None)
    if mask is not None and mask.shape != values.shape:
        raise DataError(
            f"The ignored entries in {display_name(path)} are not as many as its labels."
        )
    ignored = unknown if mask is None else unknown | mask.astype(np.bool_)
    return values == 1.0, ignored


def ignored_as_in(arrays: Mapping[str, NDArray[Any]]) -> IgnoredAs:
    """What the file says of its ignored entries; empty if nothing that is known here."""
    found = arrays.get(IGNORED_AS_KEY)
    said = "" if found is None or found.size != 1 else str(found.ravel()[0])
    return next((one for one in get_args(IgnoredAs) if one == said), "")


def key_of(name: str) -> str:
    """Of an array or a column: small letters without blanks and dashes."""
    return name.strip().casefold().translate(_NOT_COUNTED)
