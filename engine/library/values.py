"""What goes into a library and comes out of it: frozen values."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from engine.api.categories import Categories
from engine.api.values import ModelInfo


class Verdict(StrEnum):
    """What a person said of a label.

    ``ADDED`` is a label that the person gave where the machine had none; ``IMPORTED`` is one that
    a file gave and the person took over from it unseen, so that its source is the file.
    """

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ADDED = "added"
    IMPORTED = "imported"


class Attribute(StrEnum):
    """What other programs say of a whole photo beside keywords; a value of it is a text.

    A rating is "1" to "5", or "-1" for a rejected photo. A colour label is one of
    ``ratings.COLORS``, several with commas between them, or another program's own word. Of all
    three an empty text is none.
    """

    RATING = "rating"
    COLOR = "color_label"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file as a scan found it: size in bytes, time of change in ns since 1970."""

    path: Path
    size: int
    mtime_ns: int


def look_at(path: Path) -> ImageFile | None:
    """Size and time of a file now; ``None`` if there is no such file, or one cannot know."""
    try:
        facts = os.stat(path)  # noqa: PTH116 - a path that was stringified already is not again
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
    if not stat.S_ISREG(facts.st_mode):
        return None
    return ImageFile(path, facts.st_size, facts.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class LibraryImage:
    """An image of the library."""

    id: int
    path: Path


@dataclass(frozen=True, slots=True)
class LibraryModel:
    """A model that the library has scores of; ``fingerprint`` is ``ModelInfo.id``.

    ``taught_from`` is that of the model whose scores stand in for its own; the file does not know.
    ``former`` is ``ModelInfo.former_id``, by which an older library knows the model.
    ``int8_of`` is that of the model in full precision, whose own thresholds count here too.
    """

    fingerprint: str
    name: str
    categories: Categories
    taught_from: str = field(default="", compare=False)
    former: str = field(default="", compare=False)
    int8_of: str = field(default="", compare=False)

    @classmethod
    def of(cls, model: ModelInfo) -> LibraryModel:
        """What the library notes of a model."""
        own = (model.taught_from, model.former_id, model.int8_of)
        return cls(model.id, model.full_name, model.categories, *own)

    @property
    def thresholds_of(self) -> LibraryModel:
        """The model by which a person's own thresholds are kept: itself, in full precision."""
        if not self.int8_of:
            return self
        return LibraryModel(self.int8_of, self.name.removesuffix(" (int8)"), self.categories)


@dataclass(frozen=True, slots=True)
class Moved:
    """An image that was found again under another path.

    Attributes:
        image_id: which keeps all that is known of it.
        forgotten_id: what the new path was known as until now; it is gone.
    """

    image_id: int
    forgotten_id: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person said of one label, who, and when (ms since 1970)."""

    verdict: Verdict
    who: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants to say of a label; ``None`` takes back what was said."""

    image_id: int
    category: str
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Example:
    """An image that a label has learned from.

    Attributes:
        image_id: of the image.
        category: of the label.
        drawn: at random, as an image without the label; else a person said what it shows.
        path: of the image; empty where nobody asks.
    """

    image_id: int
    category: str
    drawn: bool
    path: Path = field(default=Path(), compare=False)


@dataclass(frozen=True, slots=True)
class DecisionChange:
    """A decision on one label of one image, before and after."""

    image_id: int
    category: str
    old: Decision | None
    new: Decision | None


@dataclass(frozen=True, slots=True)
class ReviewChange:
    """The mark of one image that a person has reviewed it, before and after."""

    image_id: int
    old: bool
    new: bool


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """A rating, colour label or title of one image, before and after.

    Attributes:
        image_id: of the image.
        attribute: which.
        shown: what counted before, whoever had said it.
        old: what the person had set; ``None`` for nothing, then ``shown`` counts again.
        new: what the person set; empty for none.
    """

    image_id: int
    attribute: Attribute
    shown: str
    old: str | None
    new: str | None

    @property
    def value(self) -> str:
        """What counts after it."""
        return self.shown if self.new is None else self.new


@dataclass(frozen=True, slots=True)
class NameChange:
    """What the person calls a label of models, before and after; ``None`` is the label's own name.

    Attributes:
        name: of the label, as ``name_key`` makes it.
        old: how it was shown; empty for not at all.
        new: how it is shown; empty for not at all.
    """

    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person did at one stroke, to any number of images; only what changed is in it.

    Attributes:
        id: in the journal; later edits have higher ones.
        caption: for the Undo menu.
        decisions: each label at most once.
        reviews: each image at most once.
        names: each name at most once.
        attributes: each at most once of each image.
    """

    id: int
    caption: str
    decisions: tuple[DecisionChange, ...] = ()
    reviews: tuple[ReviewChange, ...] = ()
    names: tuple[NameChange, ...] = ()
    attributes: tuple[AttributeChange, ...] = ()

    def inverse(self) -> Edit:
        """The edit that takes this one back."""
        return replace(
            self,
            decisions=tuple(
                DecisionChange(c.image_id, c.category, c.new, c.old) for c in self.decisions
            ),
            reviews=tuple(replace(c, old=c.new, new=c.old) for c in self.reviews),
            names=tuple(replace(c, old=c.new, new=c.old) for c in self.names),
            attributes=tuple(replace(c, old=c.new, new=c.old) for c in self.attributes),
        )

    @property
    def image_ids(self) -> Sequence[int]:
        """The images that it touches, each once, in order."""
        found = [change.image_id for change in self.decisions]
        found += [change.image_id for change in self.reviews]
        found += [change.image_id for change in self.attributes]
        return tuple(dict.fromkeys(found))
