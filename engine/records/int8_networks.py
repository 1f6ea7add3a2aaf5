"""int8 networks that were made of models here, and how good they are; keyed by the model's id."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.api.errors import DataError
from engine.atomic import write_bytes, write_text
from engine.records.folders import DAMAGE, check_writable
from engine.resources import data_folder
from engine.texts import display_path, reason_text

#: An int8 network is offered if it loses at most so much mean average precision, in percent …
MOST_LOSS = 0.3
#: … and its position scores correlate at least so with those of the model.
LEAST_CORRELATION = 0.99
#: … measured on so many photos: on fewer, chance moves the loss by more than may be lost
#: (``benchmarks/int8_photos.py``).
LEAST_PHOTOS = 400
_VERSION = 1
# A quarter of the weights, with some room; making it takes two files of the model's size.
_SHARE, _SHARE_OF_SCRATCH = 0.5, 2.0


@dataclass(frozen=True)
class Int8Figures:
    """What ``models quantize`` measured.

    Attributes:
        measured_on: the images, for people: "VOC2007 val, 1,508 images".
        calibrated_on: likewise, other ones.
        date: ISO 8601.
        map_float: mean average precision of the model, 0 to 1.
        map_int8: of its int8 network.
        correlation: mean over photos, heads and categories of Pearson's, of position scores.
        rate_float: photos per second through the network alone, on this machine.
        rate_int8: likewise.
        runtime_float: what ran the model.
        backend: the name of what runs the int8 network fastest.
        runtime: the same, for people.
    """

    measured_on: str
    calibrated_on: str
    date: str
    map_float: float
    map_int8: float
    correlation: float
    rate_float: float
    rate_int8: float
    runtime_float: str
    backend: str
    runtime: str

    @property
    def loss(self) -> float:
        """Of mean average precision, in percent; negative is a gain."""
        return 100.0 * (self.map_float - self.map_int8)

    @property
    def is_offered(self) -> bool:
        """Whether it is good enough; what is no number is not."""
        return self.loss <= MOST_LOSS and self.correlation >= LEAST_CORRELATION

    @property
    def summary(self) -> str:
        """What it costs and brings, for people, in few words."""
        cost = f"{-self.loss:+.2f} mAP".replace("-", "\N{MINUS SIGN}")
        ratio = self.rate_int8 / self.rate_float if self.rate_float > 0 else 0.0
        gain = f"{ratio:.1f} times as fast" if ratio > 1.05 else "no faster"
        return f"{cost}, {gain}, measured on {self.measured_on}"

    @property
    def text(self) -> str:
        """For people, in one line."""
        return self.plain_text if self.is_offered else f"not offered: {self.plain_text}"

    @property
    def plain_text(self) -> str:
        """The same, but for whether it is offered."""
        return (
            f"{-self.loss:+.2f} mAP on {self.measured_on} ({100 * self.map_float:.2f} → "
            f"{100 * self.map_int8:.2f}), maps correlate {self.correlation:.3f}, "
            f"{self.rate_int8:.1f} photos per second with {self.runtime} (before: "
            f"{self.rate_float:.1f} with {self.runtime_float}), measured on {self.date[:10]}"
        )


def too_few_text(count: int) -> str:
    """Why so many labelled photos do not do, for people."""
    return (
        f"int8 is measured on {LEAST_PHOTOS} labelled photos at least, not on {count:,}: on so "
        f"few, chance moves mAP by more than the {MOST_LOSS} that int8 may lose."
    )


class Int8Networks:
    """Those of all models.

    Args:
        root: where they lie; ``None`` takes the person's own data.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = data_folder() / "int8" if root is None else root

    def keep(self, model_id: str, figures: Int8Figures, network: bytes) -> None:
        """Keep figures, and the network if it is offered; what was there before goes.

        Raises:
            DataError: that cannot be written.
        """
        values = {
            "version": _VERSION,
            "sha256": hashlib.sha256(network).hexdigest() if figures.is_offered else "",
            "figures": asdict(figures),
        }
        try:
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            if figures.is_offered:
                write_bytes(self._network(model_id), network)
            else:
                self._network(model_id).unlink(missing_ok=True)
            write_text(self._figures(model_id), json.dumps(values, indent=1) + "\n")
        except OSError as error:
            raise DataError(f"The int8 network could not be kept: {reason_text(error)}.") from error

    def check_room(self, model_bytes: int) -> None:
        """Whether a network could be made and kept, before that takes minutes.

        Args:
            model_bytes: size of the model's file.

        Raises:
            DataError: a folder cannot be written to, or its disk is full.
        """
        what = "An int8 network could not be kept"
        try:
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise DataError(f"{what} in {display_path(self._root)}: {error.strerror}.") from error
        check_writable(self._root, round(_SHARE * model_bytes), what)
        scratch = Path(tempfile.gettempdir())
        check_writable(
            scratch, round(_SHARE_OF_SCRATCH * model_bytes), "An int8 network could not be made"
        )

    def problem(self, model_id: str) -> str:
        """Why the int8 network that was made of a model cannot be used, and nothing if it can.

        What was never made, or was measured to be not good enough, is no problem.
        """
        if not self._figures(model_id).exists():
            return ""
        found = self._read(model_id)
        if found is None:
            return "what was measured of its int8 network is damaged or of another version"
        if not found[0].is_offered:
            return ""
        try:
            self.network(model_id)
        except DataError as error:
            return str(error)
        return ""

    def figures(self, model_id: str) -> Int8Figures | None:
        """What was measured; ``None`` if nothing was, or it is damaged."""
        found = self._read(model_id)
        return None if found is None else found[0]

    def is_kept(self, model_id: str) -> bool:
        """Whether there is a network that is offered and sound; reads it whole."""
        with contextlib.suppress(DataError):
            return bool(self.network(model_id))
        return False

    @property
    def changed_at(self) -> int:
        """When anything here was made, replaced or chosen last, in nanoseconds; 0 if never."""
        with contextlib.suppress(OSError):
            return self._root.stat().st_mtime_ns
        return 0

    def is_chosen(self, model_id: str) -> bool:
        """Whether a person wants this model to run in int8 wherever nothing else is said."""
        return self._choice(model_id).is_file()

    def choose(self, model_id: str, *, int8: bool) -> None:
        """Keep what a person chose for a model.

        Raises:
            OSError: it cannot be written.
        """
        if int8:
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_text(self._choice(model_id), "")
        else:
            self._choice(model_id).unlink(missing_ok=True)

    def network(self, model_id: str) -> bytes:
        """The int8 network of a model, as ONNX.

        Raises:
            DataError: there is none that may be used; says why.
        """
        found = self._read(model_id)
        if found is None:
            raise DataError("no int8 network was made of it here")
        figures, digest = found
        if not figures.is_offered:
            raise DataError("its int8 network was measured and is not good enough")
        try:
            data = self._network(model_id).read_bytes()
        except FileNotFoundError as error:
            raise DataError("its int8 network is no longer there") from error
        except OSError as error:
            raise DataError(f"its int8 network cannot be read: {reason_text(error)}") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise DataError("its int8 network is damaged")
        return data

    def _read(self, model_id: str) -> tuple[Int8Figures, str] | None:
        try:
            values = json.loads(self._figures(model_id).read_text(encoding="utf-8"))
            if values["version"] != _VERSION:
                return None
            return _parsed(values["figures"]), str(values["sha256"])
        except (*DAMAGE, OSError):
            return None

    def _choice(self, model_id: str) -> Path:
        return self._root / f"{model_id}.chosen"

    def _network(self, model_id: str) -> Path:
        return self._root / f"{model_id}.onnx"

    def _figures(self, model_id: str) -> Path:
        return self._root / f"{model_id}.json"


def _parsed(values: dict[str, object]) -> Int8Figures:
    types = Int8Figures.__annotations__
    return Int8Figures(
        **{
            name: float(values[name]) if kind == "float" else str(values[name])  # type: ignore[arg-type]
            for name, kind in types.items()
        }
    )
