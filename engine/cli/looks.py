"""How files looked before they were read: who imports the results knows them again by it."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path

from engine.records.tag_rows import FileLook

_UNKNOWN = -(2**63)


class Looks:
    """How many files look before any is read; sixteen bytes each."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._sizes, self._mtimes_ns = array("q"), array("q")
        for path in paths:
            look = FileLook.at(path)
            self._sizes.append(_UNKNOWN if look.size is None else look.size)
            self._mtimes_ns.append(_UNKNOWN if look.mtime_ns is None else look.mtime_ns)

    def __getitem__(self, place: int) -> FileLook:
        size, mtime_ns = self._sizes[place], self._mtimes_ns[place]
        return FileLook(
            None if size == _UNKNOWN else size, None if mtime_ns == _UNKNOWN else mtime_ns
        )


class Origin:
    """What lines of JSON say beside the labels: of which model, and of which file.

    Args:
        model_id: fingerprint of the model.
        paths: of the photos, in the order in which they will come; looked at now.
    """

    def __init__(self, model_id: str, paths: Sequence[Path]) -> None:
        self._model_id, self._looks, self._told = model_id, Looks(paths), 0

    def next(self) -> dict[str, object]:
        """Of the next photo: ``model_id``, ``size`` in bytes, ``mtime`` in seconds since 1970."""
        look = self._looks[self._told]
        self._told += 1
        at = None if look.mtime_ns is None else round(look.mtime_ns / 1e9, 6)
        return {"model_id": self._model_id, "size": look.size, "mtime": at}
