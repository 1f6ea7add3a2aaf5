"""Whose arithmetic an evaluation follows, and why: what the data set itself says decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.metrics.report import Protocol
from engine.records.evaluations import IGNORED_AS, NO_SCORES


@dataclass(frozen=True, slots=True)
class ProtocolChoice:
    """Whose arithmetic belongs to a data set.

    Attributes:
        protocol: whose.
        reason: why, for people: half a sentence without a full stop.
    """

    protocol: Protocol
    reason: str


def protocol_of(dataset: Mapping[str, str], ignored: NDArray[np.bool_]) -> ProtocolChoice:
    """Whose arithmetic belongs to a data set.

    What the data set says of its ignored entries counts before its kind: a file of the official
    code may be VOC's or WIDER's. What nobody can say of any other data set never counts. Scores
    that were left out say nothing of whose data set it is.

    Args:
        dataset: as a run tells of it: ``kind``, and ``ignored as`` where the data set says that.
        ignored: (N, C).
    """
    kind, said = dataset.get("kind", ""), dataset.get(IGNORED_AS, "")
    if said == "unspecified" or kind == "wider":
        return ProtocolChoice(Protocol.PAPER_WIDER, _UNSPECIFIED[kind == "json"])
    if said == "difficult" or kind.startswith("voc"):
        return ProtocolChoice(Protocol.PAPER_VOC, _DIFFICULT[kind == "json"])
    if said == NO_SCORES:
        return ProtocolChoice(
            Protocol.PAPER_COCO,
            "the labels of this data set are all known; entries without scores do not count",
        )
    if ignored.any():
        return ProtocolChoice(
            Protocol.PAPER_VOC,
            "some labels of this data set nobody can tell, and these do not count",
        )
    return ProtocolChoice(Protocol.PAPER_COCO, "this data set ignores nothing")


_UNKNOWN = "some labels of this data set nobody can tell, and these do not count"
_UNSPECIFIED = (
    "WIDER-Attribute has unspecified attributes",
    "the file marks attributes as unspecified with 99, as WIDER's test file of the official code",
)
_DIFFICULT = (
    "PASCAL VOC has labels of which all objects are marked difficult",
    "the file has -1 for absent and 0 for difficult, as VOC's test file of the official code",
)
