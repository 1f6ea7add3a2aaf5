"""Reduced features of single photos and their scores, kept on the disk, not to look again."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import secrets
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import DataError, ImageError
from engine.api.values import FloatArray
from engine.atomic import TEMPORARY_PREFIX, atomic_path
from engine.data.away import AwayFolders
from engine.data.datasets.array_files import ARRAY_DAMAGE
from engine.data.decoding.turning import orientation_beside
from engine.data.patience import ask
from engine.inference.linear_heads import LinearHeads
from engine.inference.reduction import Basis, HalfArray
from engine.inference.spool import Seen, Spool
from engine.inference.weights import ModelWeights
from engine.records.feature_cache import note_use
from engine.texts import display_name

_log = logging.getLogger(__name__)

# A disk that does not answer in so long (s) is the decoder's to tell of.
_ANSWERS_IN_S = 2.0
_SUFFIX = ".features.npy"
#: What makes a ``Basis``: fewer photos show too little of how features vary, so one that was made
#: of fewer, for somebody who taught a label with all there were, is outgrown.
BASIS_PHOTOS = 256
#: The greatest multiple that six bits hold.
_TOP = 31
#: What reduced features may reach: whoever learns from them does it in half precision.
_MOST = float(np.finfo(np.float16).max)


@dataclass(frozen=True, eq=False)
class Kept:
    """What is kept of a photo.

    Attributes:
        features: (r, h, w) float32, reduced.
        heads: (C,) uint64, which tell the heads of categories, whatever the model, from others.
        scores: (C,) float16, what these heads said exactly.
    """

    features: FloatArray
    heads: NDArray[np.uint64]
    scores: HalfArray


class PhotoFeatures:
    """What one model's backbone sees in photos, in few directions and six bits.

    Models that were taught from each other have the same backbone, so they share their files. The
    directions are made of the first photos that come, in a thread of their own; nothing can be kept
    before. One thread keeps, another may read.

    Args:
        weights: their backbone and its way with pixels decide what a photo's file is called.
        folder: where the files go, 38 kB a photo for one head and 20 labels, more for more; made
            if missing. Whoever owns it keeps it small, by ``engine.records.feature_cache``.
    """

    def __init__(self, weights: ModelWeights, folder: Path) -> None:
        self._folder = folder
        self._away = AwayFolders()
        self._key = weights.backbone_digest[:24]
        self._heads = weights.heads
        self._parents = weights.record.config.parents
        self._digests = _digests(self._heads)  # now: they may learn
        self._basis: Basis | None = None
        self._small: LinearHeads | None = None
        self._waiting, self._since = Spool(folder), Spool(folder)
        self._making: Future[Basis] | None = None
        self._gave_up = False

    @property
    def basis(self) -> Basis | None:
        """The directions, if there are any that hold the model's heads; those of most photos."""
        if self._basis is None:
            self._basis = next(filter(self._holds, self._bases()), None)
        return self._basis

    @property
    def heads(self) -> LinearHeads | None:
        """The model's heads for what is kept."""
        if self._small is None and self.basis is not None:
            self._small = self.basis.heads(self._heads)
        return self._small

    def key(self, path: Path) -> str:
        """What tells a photo, as its file is now, from all others.

        Raises:
            DataError: it is not there.
        """
        try:
            self._away.check(path)
            key = ask(lambda: _key(path), None, _ANSWERS_IN_S)
            if key is None:
                self._away.suspect(path)
                key = _key(path)
        except ImageError as error:
            raise DataError(str(error)) from error
        except (OSError, ValueError) as error:
            raise DataError(
                f"{display_name(path)} is not there any more. Look for photos again."
            ) from error
        return key

    def keys(self, paths: Sequence[Path]) -> list[str | None]:
        """Those of some photos, ``None`` for one that is not there; the disk is asked once."""
        with suppress(ImageError, OSError, ValueError):
            for path in paths:
                self._away.check(path)
            keys = ask(lambda: list(map(_key, paths)), None, _ANSWERS_IN_S)
            if keys is not None:
                return list(keys)
        return [self._key_if_there(path) for path in paths]

    def _key_if_there(self, path: Path) -> str | None:
        try:
            return self.key(path)
        except DataError:
            return None

    def has(self, key: str) -> bool:
        """Whether there is something to read."""
        basis = self.basis
        return basis is not None and self._file(basis, key).exists()

    def read(self, key: str) -> Kept | None:
        """What is kept of a photo, if it is sound; what is damaged is removed."""
        basis = self.basis
        if basis is None:
            return None
        file = self._file(basis, key)
        try:
            found = _load(file)
            if found.features.shape[0] != basis.directions.shape[1]:
                raise ValueError("other directions")
            note_use(file)
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            with suppress(OSError):
                file.unlink(missing_ok=True)
            return None
        return found

    def with_exact(self, scores: FloatArray, kept: Sequence[Kept]) -> FloatArray:
        """Scores (N, C) by reduced features, exact where a head is one that saw the photo before.

        So labels that were taught nothing stay as they are. No parent is below its child.
        """
        found = scores.copy()
        for row, one in enumerate(kept):
            _, here, there = np.intersect1d(self._digests, one.heads, return_indices=True)
            found[row, here] = one.scores[there]
        return self._parents.implied(found)

    def keep(self, seen: Sequence[Seen]) -> None:
        """Write what was seen in photos, once there are directions.

        Features that are no numbers, or too large for half precision when reduced, are not kept:
        such a photo goes through the network each time.

        Raises:
            OSError: the disk does not take them.
        """
        self._keep(_of_numbers(seen))

    def _keep(self, seen: Sequence[Seen]) -> None:
        if self._making is not None and self._making.done():
            self._take_made()
        if self.basis is not None:
            self._write_waiting(self.basis)
            self._write(self.basis, seen)
            return
        self._waiting.add(seen)
        if self._making is None and len(self._waiting) >= BASIS_PHOTOS:
            self._waiting = self._make_of(self._waiting)

    def keep_if_possible(self, seen: Sequence[Seen]) -> None:
        """The same; a disk that does not take them costs nothing but time later.

        Directions that were made of few photos are replaced once enough have come.
        """
        with self._giving_up():
            sound = [] if self._gave_up else _of_numbers(seen)
            if sound:
                self._keep(sound)
                self._outgrow(sound)

    def settle_if_possible(self) -> None:
        """Wait for directions that are being made, and write what waits for them."""
        with self._giving_up():
            self._settle()

    @contextmanager
    def _giving_up(self) -> Generator[None, None, None]:
        try:
            yield
        except OSError as error:
            _log.info("Features cannot be kept in %s: %s", self._folder, error)
            self._gave_up = True
            self._waiting.clear()
            self._since.clear()

    def write(self) -> None:
        """Write what waits; if there are no directions yet, they are made of it.

        Raises:
            OSError: the disk does not take it.
        """
        self._settle()
        if len(self._waiting):  # still, so there were none
            self._basis, self._small = self._made_basis(self._waiting), None
            self._write_waiting(self._basis)

    def _settle(self) -> None:
        if self._making is not None:
            self._take_made()
        if self.basis is not None:
            self._write_waiting(self.basis)

    def _write_waiting(self, basis: Basis) -> None:
        if not len(self._waiting):
            return
        try:
            self._write(basis, self._waiting)
        finally:
            self._waiting.clear()

    def _write(self, basis: Basis, seen: Iterable[Seen]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for one in seen:
            [features] = basis.reduced(one.features[None])
            if np.abs(features).max(initial=0.0) <= _MOST:
                _save(self._file(basis, one.key), packed(features), self._digests, one.scores)

    def _outgrow(self, seen: Sequence[Seen]) -> None:
        if self.basis is None or self.basis.photos >= BASIS_PHOTOS:
            self._since.clear()
            return
        self._since.add(seen)
        if self._making is None and len(self._since) >= BASIS_PHOTOS:
            self._since = self._make_of(self._since)

    def _make_of(self, spool: Spool) -> Spool:
        """Begin to make directions, and to write all that they are made of; a new spool."""

        def made() -> Basis:
            try:
                basis = self._made_basis(spool)
                self._write(basis, spool)
            finally:
                spool.clear()
            return basis

        thread = ThreadPoolExecutor(1, thread_name_prefix="make-directions")
        self._making = thread.submit(made)
        thread.shutdown(wait=False)
        return Spool(self._folder)

    def _take_made(self) -> None:
        """Use the directions that were being made; waits for them."""
        making, self._making = self._making, None
        if making is not None:
            self._basis, self._small = making.result(), None

    def _file(self, basis: Basis, key: str) -> Path:
        text = f"{basis.id}|{key}".encode(errors="surrogateescape")
        return self._folder / f"{hashlib.sha256(text).hexdigest()[:32]}{_SUFFIX}"

    def _bases(self) -> list[Basis]:
        found = []
        for file in sorted(self._folder.glob(f"{self._key}-*.npz")):
            try:
                found.append(Basis.read(file.read_bytes()))
            except (OSError, ValueError) as error:
                _log.info("%s cannot be used: %s", file, error)
        return sorted(found, key=lambda basis: -basis.photos)

    def _holds(self, basis: Basis) -> bool:
        return len(basis.mean) == self._heads.weight.shape[2] and basis.holds(self._heads)

    def _made_basis(self, seen: Iterable[Seen]) -> Basis:
        basis = Basis.of(self._heads, (one.features for one in seen))
        with atomic_path(self._folder / f"{self._key}-{basis.id}.npz") as temporary:
            temporary.write_bytes(basis.data)
        return basis


def _key(path: Path) -> str:
    status = path.stat()
    name = f"{os.path.realpath(path)}|{status.st_size}|{status.st_mtime_ns}"
    turn = orientation_beside(path)
    return name if turn is None else f"{name}|{turn}"


def _of_numbers(seen: Sequence[Seen]) -> list[Seen]:
    return [one for one in seen if np.isfinite(one.features).all()]


def _digests(heads: LinearHeads) -> NDArray[np.uint64]:
    """(C,): the same for the same heads of a category, if they look at the same features."""
    weight, bias = heads.weight, heads.bias
    found = []
    for column in range(heads.num_classes):
        digest = hashlib.sha256(repr(heads.config).encode())
        digest.update(np.ascontiguousarray(weight[:, column]).data)
        if bias is not None:
            digest.update(np.ascontiguousarray(bias[:, column]).data)
        found.append(int.from_bytes(digest.digest()[:8], "little"))
    return np.array(found, dtype=np.uint64)


def _load(file: Path) -> Kept:
    """What ``_save`` wrote.

    Raises:
        OSError: it cannot be read.
        ValueError: it never did, or it is damaged.
    """
    try:
        with file.open("rb") as stream:
            codes, heads, scores = (np.load(stream, allow_pickle=False) for _ in range(3))
    except OSError:
        raise
    except ARRAY_DAMAGE as error:
        raise ValueError("these are no arrays") from error
    if heads.dtype != np.uint64 or scores.dtype != np.float16:
        raise ValueError("these are no scores")
    if heads.ndim != 1 or heads.shape != scores.shape:
        raise ValueError("these are no scores of categories")
    return Kept(unpacked(codes), heads, scores)


def _save(file: Path, *arrays: NDArray[np.generic]) -> None:
    """All or nothing, without waiting for the disk: what a power cut damages is made again."""
    temporary = file.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as stream:
            stream.write(b"".join(map(_as_npy, arrays)))
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _as_npy(values: NDArray[np.generic]) -> bytes:
    """What ``np.save`` writes."""
    return _npy_header(values.dtype.str, values.shape) + values.tobytes()


@cache
def _npy_header(kind: str, shape: tuple[int, ...]) -> bytes:
    stream = io.BytesIO()
    facts = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, facts)
    return stream.getvalue()


def packed(reduced: FloatArray) -> NDArray[np.uint8]:
    """(r, h, w) features of a square as bytes: a unit for each direction, and multiples of it.

    The multiples have six bits, so four of them take three bytes.
    """
    count, side = reduced.shape[:2]
    flat = reduced.reshape(count, -1)
    unit = np.maximum(np.abs(flat).max(axis=1, keepdims=True) / _TOP, 1e-7).astype(np.float16)
    multiples = flat / unit.astype(np.float32)
    np.rint(multiples, out=multiples)
    np.clip(multiples, -_TOP, _TOP, out=multiples)
    multiples += _TOP
    codes = multiples.astype(np.uint8).ravel()
    a, b, c, d = np.pad(codes, (0, -len(codes) % 4)).reshape(-1, 4).T
    bits = np.stack([a << 2 | b >> 4, (b & 15) << 4 | c >> 2, (c & 3) << 6 | d], axis=1)
    head = np.array([count, side], dtype="<u2")
    return np.concatenate([head.view(np.uint8), unit.ravel().view(np.uint8), bits.ravel()])


def unpacked(stored: NDArray[np.uint8]) -> FloatArray:
    """What ``packed`` made, to within a 62nd of the greatest value of each direction.

    Raises:
        ValueError: it never made that.
    """
    if stored.dtype != np.uint8 or stored.ndim != 1 or len(stored) < 4:
        raise ValueError("these are no features")
    count, side = (int(number) for number in stored[:4].view("<u2"))
    size, ends = count * side * side, 4 + 2 * count
    if len(stored) != ends + -(-size // 4) * 3:
        raise ValueError("these are no features of a square")
    unit = stored[4:ends].view(np.float16).astype(np.float32)
    if not np.isfinite(unit).all():
        raise ValueError("these are no features that are numbers")
    a, b, c = stored[ends:].reshape(-1, 3).T
    codes = np.stack([a >> 2, (a & 3) << 4 | b >> 4, (b & 15) << 2 | c >> 6, c & 63], axis=1)
    multiples = codes.ravel()[:size].astype(np.float32) - _TOP
    found: FloatArray = (multiples.reshape(count, -1) * unit[:, None]).reshape(count, side, side)
    return found
