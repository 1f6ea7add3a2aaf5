"""What the program calls what it sees: categories, what they are a kind of, and what shows them.

Read from ``resources/categories/everyday.toml``, which people may edit.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.api.categories import Categories
from engine.api.errors import ConfigError
from engine.resources import resource_path
from engine.texts import display_name, fold, reason_text

_NOT_COUNTED = str.maketrans("", "", " -_\t")
_LISTS = ("members", "parents", "synonyms", "same", "shared")
_KEYS = frozenset({"name", "detail", *_LISTS})


def name_key(name: str) -> str:
    """What is left of a name when case, spaces, hyphens and underscores do not count."""
    folded = fold(name)
    return folded.translate(_NOT_COUNTED) or folded


@dataclass(frozen=True, slots=True)
class VocabularyCategory:
    """One thing that the program has a name for.

    Attributes:
        name: what it is called.
        members: WordNet ids of the ImageNet classes that show it, without those of its children.
        parents: names of what it is a kind of; the first one counts where there is room for one.
        synonyms: other names that find it, some of them narrower, wider or ambiguous.
        same: those of the synonyms that mean just this to everyone.
        shared: those of the members that another category, neither above nor below, has too.
        is_detail: a breed, a species or a make below a parent, for those who want it.
    """

    name: str
    members: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    is_detail: bool = False


@dataclass(frozen=True)
class Vocabulary:
    """Categories that know each other. Every question about one takes any of its names.

    Args:
        categories: in the order of the file.
        classes: WordNet ids of the classes that members are of, in the order of a classifier's
            outputs.

    Raises:
        ConfigError: a name or a synonym is there twice, a parent or a member is unknown,
            categories are their own ancestors, a member is in two places and neither says so, or
            a detail has no parent.
    """

    categories: tuple[VocabularyCategory, ...]
    classes: tuple[str, ...]
    _by_key: Mapping[str, VocabularyCategory] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_key", MappingProxyType(_by_key(self.categories)))
        _check_kinds(self)
        _check_members(self)

    def __len__(self) -> int:
        return len(self.categories)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the categories are called, in the order of the file."""
        return tuple(category.name for category in self.categories)

    def find(self, name: str) -> VocabularyCategory | None:
        """The category with this name or synonym, whatever its case, spaces and hyphens."""
        return self._by_key.get(name_key(name))

    def category(self, name: str) -> VocabularyCategory:
        """The same.

        Raises:
            ConfigError: there is none.
        """
        found = self.find(name)
        if found is None:
            raise ConfigError(f"The vocabulary has no category {name!r}.")
        return found

    def parents_of(self, name: str) -> tuple[str, ...]:
        """Names of what it is a kind of, the next ones only; ``ConfigError`` if it is unknown."""
        return self.category(name).parents

    def ancestors(self, name: str) -> tuple[str, ...]:
        """Names of all that it is a kind of, the nearest first."""
        return _reached(self.category(name).name, self._parents)

    def children(self, name: str) -> tuple[str, ...]:
        """Names of its kinds, the next ones only, in the order of the file."""
        return self._children[self.category(name).name]

    def descendants(self, name: str) -> tuple[str, ...]:
        """Names of all its kinds, the nearest first."""
        return _reached(self.category(name).name, self._children)

    def path_to(self, name: str) -> tuple[str, ...]:
        """Its name below one parent each, from the top: ``("animal", "bird", "owl")``."""
        path = [self.category(name).name]
        while parents := self._parents[path[-1]]:
            path.append(parents[0])
        return tuple(reversed(path))

    def members(self, name: str) -> tuple[int, ...]:
        """Indices into ``classes`` of what shows it, without its children's; ascending."""
        return self._indices((self.category(name),))

    def all_members(self, name: str) -> tuple[int, ...]:
        """Indices into ``classes`` of what shows it or any of its kinds; ascending, each once."""
        found = self.category(name)
        return self._indices((found, *map(self.category, self.descendants(found.name))))

    def is_below(self, name: str, other: str) -> bool:
        """Whether the first is a kind of the second."""
        return self.category(other).name in self.ancestors(name)

    @cached_property
    def _parents(self) -> Mapping[str, tuple[str, ...]]:
        return {category.name: category.parents for category in self.categories}

    @cached_property
    def _children(self) -> Mapping[str, tuple[str, ...]]:
        children: dict[str, list[str]] = {name: [] for name in self.names}
        for category in self.categories:
            for parent in category.parents:
                children[parent].append(category.name)
        return {name: tuple(kinds) for name, kinds in children.items()}

    @cached_property
    def _index(self) -> Mapping[str, int]:
        return {wordnet_id: index for index, wordnet_id in enumerate(self.classes)}

    def _indices(self, categories: Iterable[VocabularyCategory]) -> tuple[int, ...]:
        found = {member for category in categories for member in category.members}
        return tuple(sorted(self._index[member] for member in found))


def read_vocabulary(path: Path, classes: Sequence[str]) -> Vocabulary:
    """The vocabulary in a file.

    Args:
        path: of a TOML file with a table ``[[category]]`` for each; ``everyday.toml`` explains.
        classes: see ``Vocabulary``.

    Raises:
        ConfigError: it cannot be read, or breaks a rule; says which and where.
    """
    shown = display_name(path)
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text).get("category", [])
    except (OSError, ValueError) as error:  # no UTF-8 and no TOML are a ValueError
        raise ConfigError(
            f"The vocabulary {shown} cannot be read: {reason_text(error)}."
        ) from error
    if not isinstance(tables, list) or not tables:
        raise ConfigError(f"The vocabulary {shown} has no [[category]].")
    try:
        return Vocabulary(tuple(map(_category, tables)), tuple(classes))
    except ConfigError as error:
        raise ConfigError(f"The vocabulary {shown} is not right: {error}") from error


@cache
def everyday() -> Vocabulary:
    """The vocabulary that ships, over the classes of ImageNet-1k."""
    return read_vocabulary(resource_path("categories", "everyday.toml"), imagenet_classes()[0])


@cache
def imagenet_classes() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """WordNet ids and names of ImageNet's 1,000 classes, in the order of a classifier's outputs."""
    text = resource_path("categories", "imagenet.txt").read_text(encoding="utf-8")
    lines = [line.split(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return tuple(line[0] for line in lines), tuple(line[1] for line in lines)


def _category(table: object) -> VocabularyCategory:
    if not isinstance(table, dict):
        raise ConfigError("each category is a table that begins with [[category]].")
    name = table.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ConfigError("a category has no name.")
    unknown = sorted(table.keys() - _KEYS)
    if unknown:
        raise ConfigError(f"“{name}” has {', '.join(unknown)}, which means nothing here.")
    lists = {key: _texts(name, key, table.get(key, [])) for key in _LISTS}
    is_detail = table.get("detail", False)
    if not isinstance(is_detail, bool):
        raise ConfigError(f"the detail of “{name}” is true or false.")
    Categories((name, *lists["synonyms"]))  # what models may be called by
    for part, whole in (("same", "synonyms"), ("shared", "members")):
        for text in lists[part]:
            if text not in lists[whole]:
                raise ConfigError(f"“{name}” has {text!r} in {part}, but not in {whole}.")
    return VocabularyCategory(name=name, is_detail=is_detail, **lists)


def _texts(name: str, key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
        raise ConfigError(f"the {key} of “{name}” are a list of texts.")
    return tuple(value)


def _by_key(categories: Iterable[VocabularyCategory]) -> dict[str, VocabularyCategory]:
    names: dict[str, VocabularyCategory] = {}
    for category in categories:
        key = name_key(category.name)
        if key in names:
            raise ConfigError(f"two categories are called “{category.name}”.")
        names[key] = category
    found = dict(names)
    for category in categories:
        for synonym in category.synonyms:
            other = found.setdefault(name_key(synonym), category)
            if other is not category:
                raise ConfigError(f"“{synonym}” means both “{other.name}” and “{category.name}”.")
    return found


def _check_kinds(vocabulary: Vocabulary) -> None:
    names = frozenset(vocabulary.names)
    for category in vocabulary.categories:
        for parent in category.parents:
            if parent not in names:
                raise ConfigError(f"the parent “{parent}” of “{category.name}” is no category.")
        if category.is_detail and not category.parents:
            raise ConfigError(f"“{category.name}” is a detail, but of nothing: it has no parent.")
    for name in vocabulary.names:
        if name in vocabulary.ancestors(name):
            raise ConfigError(f"“{name}” is a kind of itself, by its parents.")


def _check_members(vocabulary: Vocabulary) -> None:
    classes = frozenset(vocabulary.classes)
    places = Counter(m for category in vocabulary.categories for m in category.members)
    for category in vocabulary.categories:
        inherited = {
            member
            for name in vocabulary.descendants(category.name)
            for member in vocabulary.category(name).members
        }
        for member in category.members:
            if member not in classes:
                raise ConfigError(f"“{category.name}” has the member {member}, which is no class.")
            if member in inherited:
                raise ConfigError(
                    f"{member} is a member of “{category.name}” and of one below it, from which "
                    "it comes anyway."
                )
            if places[member] > 1 and member not in category.shared:
                raise ConfigError(
                    f"{member} is a member of “{category.name}” and of another category; both "
                    "must have it in shared."
                )


def _reached(start: str, steps: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """All names that steps lead to, the nearest first; the start only if they lead back to it."""
    found: dict[str, None] = {}
    waiting = list(steps[start])
    for name in waiting:
        if name not in found:
            found[name] = None
            waiting.extend(steps[name])
    return tuple(found)
