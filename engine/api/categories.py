"""The ordered list of categories that a model knows."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from engine.api.errors import ConfigError
from engine.resources import resource_path

MAX_NAME_LENGTH = 200
MAX_CATEGORIES = 100_000


@dataclass(frozen=True)
class Categories(Sequence[str]):
    """Ordered category names and the way back from a name to its index.

    Args:
        names: at least one name; each is non-empty, unique, at most 200 characters long and free
            of control and text-direction characters (they come from files and reach the screen).

    Raises:
        ConfigError: a name breaks one of these rules.
    """

    names: tuple[str, ...]
    _index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        if not self.names:
            raise ConfigError("The list of categories is empty; a model needs at least one.")
        if len(self.names) > MAX_CATEGORIES:
            raise ConfigError(f"{len(self.names)} categories are more than {MAX_CATEGORIES}.")
        for name in self.names:
            _check_name(name)
        index = {name: i for i, name in enumerate(self.names)}
        if len(index) != len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise ConfigError(f"The category {twice!r} is listed twice; names must be unique.")
        object.__setattr__(self, "_index", index)

    def index_of(self, name: str) -> int:
        """The position of ``name``, from 0.

        Raises:
            ConfigError: the model does not know it.
        """
        try:
            return self._index[name]
        except KeyError:
            raise ConfigError(f"The model has no category {name!r}.") from None

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # int -> str, slice -> tuple
        return self.names[index]


@cache
def shipped_categories(name: str) -> Categories:
    """The official list of a data set: ``voc``, ``coco`` or ``wider``."""
    text = resource_path("categories", f"{name}.txt").read_text(encoding="utf-8")
    return Categories(tuple(text.splitlines()))


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(f"{name!r} is not a category name; a name is a non-empty text.")
    if len(name) > MAX_NAME_LENGTH:
        raise ConfigError(
            f"A category name has {len(name)} characters; at most {MAX_NAME_LENGTH} are allowed."
        )
    if any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in name):
        raise ConfigError(f"The category name {name!r} holds control characters.")
