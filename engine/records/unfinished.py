"""Evaluations that were stopped before their end: what they found, to go on from there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.api.config import EvaluateConfig
from engine.api.errors import DataError
from engine.api.evaluation import EvaluationRequest
from engine.api.values import FloatArray
from engine.atomic import atomic_path
from engine.metrics.pointing import MeterState
from engine.records.folders import RecordStore, open_arrays


@dataclass(frozen=True, eq=False)
class UnfinishedRun:
    """What was found before an evaluation was stopped.

    Attributes:
        key: see ``unfinished_key``.
        facts: what was asked for, as texts: model, dataset, root, split and so on.
        total: images in all.
        rows: (K,) which images of the data set were read.
        logits: (K, C) float32.
        failed: row and reason of each image that could not be read.
        localisation: what the maps point at; ``None`` if there were no boxes.
    """

    key: str
    facts: Mapping[str, str]
    total: int
    rows: NDArray[np.int64]
    logits: FloatArray
    failed: tuple[tuple[int, str], ...]
    localisation: MeterState | None

    @property
    def done(self) -> int:
        """Images that need not be looked at again."""
        return len(self.rows) + len(self.failed)

    @property
    def request(self) -> EvaluationRequest:
        """What is fulfilled by evaluating what is missing."""
        facts = self.facts
        size, limit = facts.get("input size", ""), facts.get("limit", "")
        return EvaluationRequest(
            facts.get("kind", ""),
            Path(facts.get("root", "")),
            facts.get("split", ""),
            facts.get("model") or None,
            EvaluateConfig(
                flip=facts.get("flip") == "True",
                input_size=int(size) if size.isdigit() else None,
                # Programs that kept no such fact left out detail.
                decode="exact" if facts.get("decode") == "exact" else "fast",
            ),
            limit=int(limit) if limit.isdigit() and int(limit) else None,
        )


def unfinished_key(*parts: object) -> str:
    """A name for everything that must be the same for results to be put together."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()[:16]


class UnfinishedStore(RecordStore[UnfinishedRun]):
    """What was found, a file for each key; those stopped last come first."""

    noun = "unfinished evaluation"
    place = "evaluations/unfinished"
    names = re.compile(r"[0-9a-f]{16}\.npz")
    description = ""
    version = ("format", 1)

    def save(self, run: UnfinishedRun) -> None:
        """Keep what was found, in place of what was kept under the same key.

        Raises:
            DataError: it cannot be written.
        """
        key, version = self.version
        facts = {
            key: version,
            "facts": dict(run.facts),
            "total": run.total,
            "failed": [list(item) for item in run.failed],
            "localisation": run.localisation,
        }
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with atomic_path(self._path(run.key)) as temporary, temporary.open("wb") as file:
                np.savez(file, rows=run.rows, logits=run.logits, facts=np.array(json.dumps(facts)))
        except OSError as error:
            raise DataError(
                f"The results so far could not be kept in {self.root}: {error.strerror}."
            ) from error

    def find(self, key: str) -> UnfinishedRun | None:
        """What was found under a key; ``None`` if there is nothing, or nothing that can be read."""
        with contextlib.suppress(DataError):  # doing it again is no harm
            return self.read(self._path(key))
        return None

    def forget(self, key: str) -> None:
        """Delete what was found under a key; nothing there is no harm."""
        with contextlib.suppress(DataError):
            self.delete(self._path(key))

    def _path(self, key: str) -> Path:
        return self.root / f"{key}.npz"

    def _age(self, path: Path) -> float:
        return path.stat().st_mtime_ns

    def _parse(self, path: Path) -> UnfinishedRun:
        with open_arrays(path) as arrays:
            body = self._of_version(json.loads(str(arrays["facts"])))
            return _run(path.stem, body, arrays)


def _run(key: str, body: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> UnfinishedRun:
    rows, logits = arrays["rows"].astype(np.int64), arrays["logits"].astype(np.float32)
    failed = tuple((int(row), str(reason)) for row, reason in body["failed"])
    total = int(body["total"])
    places = [*rows.tolist(), *(row for row, _ in failed)]
    if logits.ndim != 2 or len(logits) != len(rows) or len(set(places)) != len(places):
        raise ValueError("its scores and images do not belong together")
    if places and not (min(places) >= 0 and max(places) < total):
        raise ValueError("it names images that do not exist")
    facts = {str(name): str(text) for name, text in body["facts"].items()}
    return UnfinishedRun(key, facts, total, rows, logits, failed, body["localisation"])
