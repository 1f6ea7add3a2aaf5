"""What making an int8 network says when it is done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class QuantizingDone:
    """The last value.

    Attributes:
        model_id: of the model in full precision; by it ``engine.records.int8_networks`` has what
            was measured.
    """

    model_id: str
