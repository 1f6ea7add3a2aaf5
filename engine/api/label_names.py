"""How labels are shown, and which other names mean the same: one label, whoever spells it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import MappingProxyType

from engine.api.categories import Categories, shipped_categories
from engine.api.errors import ConfigError
from engine.api.vocabulary import VocabularyCategory, everyday, name_key
from engine.resources import resource_path
from engine.texts import display_text, fold

_LISTS = ("voc", "coco", "wider")
_MOST_SUGGESTED = 3
#: Endings of plurals and what is there of one thing alone.
_PLURALS = (("ies", "y"), ("ves", "f"), ("ves", "fe"), ("es", ""), ("s", ""))


@dataclass(frozen=True)
class LabelNames:
    """Which names are one label's: those that ship with the program, and the person's own.

    Args:
        own: what the person calls labels of models, by ``name_key``; empty for those that they do
            not want to see.
        placed: where the person's own labels lie, from the top, by ``name_key``: ``("animal",
            "dog")`` for "Rex". It goes before what the vocabulary says.
    """

    own: Mapping[str, str] = field(default_factory=dict)
    placed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def label(self, name: str) -> str:
        """The label that a name means, as it is shown and stored; an unknown name is its own."""
        shipped = _shipped_label(name)
        return (self.own and self.own.get(name_key(shipped))) or shipped

    def same(self, label: str) -> tuple[str, ...]:
        """What else a label is called."""
        own = (key for key, name in self.own.items() if name == label)
        return (*_shipped().others.get(self._meaning.get(label, label), ()), *own)

    def others(self, label: str) -> tuple[str, ...]:
        """The same, and words that only find it: "puppy" for "dog"."""
        category = _category_of(self._meaning.get(label, label))
        words = () if category is None else category.synonyms
        return tuple(dict.fromkeys((*self.same(label), *words)))

    def labels(self, categories: Sequence[str]) -> tuple[str, ...]:
        """What a model's categories are called, each by another name.

        Where several are the same label, one has its name and the others keep their own.
        """
        labels = [self.label(name) for name in categories]
        taken = {name for name, label in zip(categories, labels, strict=True) if name == label}
        shown = []
        for name, label in zip(categories, labels, strict=True):
            is_first = name == label or label not in taken
            taken.add(label)
            shown.append(label if is_first else name)
        return tuple(shown)

    def hidden(self, categories: Sequence[str]) -> frozenset[int]:
        """The places of categories that the person deleted, or made one with another of them."""
        places = enumerate(zip(categories, self.labels(categories), strict=True))
        own = self.own
        return frozenset(
            place
            for place, (name, label) in places
            if own and own.get(name_key(_shipped_label(name)), label) != label
        )

    def find(self, name: str, among: Iterable[str]) -> str | None:
        """Which of several names is meant, if not by its spelling then by what it means."""
        names = tuple(among)
        if name in names:
            return name
        wanted = name_key(self.label(name))
        return next((one for one in names if name_key(self.label(one)) == wanted), None)

    def search(self, wanted: str, among: Iterable[str]) -> str | None:
        """Which of several names a person looks for: as ``find``, and by words that only find it.

        For looking alone: "puppy" leads to "dog", and "cats" to "cat", but a label "puppy" is
        another one.
        """
        names = tuple(among)
        found = self._search_word(wanted, names)
        if found is not None:
            return found
        singular = (self._search_word(one, names) for one in _singulars(wanted))
        return next(filter(None, singular), None)

    def _search_word(self, wanted: str, names: tuple[str, ...]) -> str | None:
        found = self.find(wanted, names)
        if found is None:
            category = everyday().find(wanted)
            found = None if category is None else self.find(category.name, names)
        return found

    def above(self, label: str) -> tuple[str, ...]:
        """All that a label implies, by the names that are shown: "dog" and "animal" for "pug"."""
        return tuple(one for one in dict.fromkeys(self._all_above(label, ())) if one != label)

    def path_to(self, label: str) -> tuple[str, ...]:
        """What a label is a kind of, by one parent each, from the top: "animal", "bird" for "owl".

        What the person placed lies where they placed it, and that where it lies itself.
        """
        return tuple(one for one in dict.fromkeys(self._path(label, ())) if one != label)

    def _path(self, label: str, seen: tuple[str, ...]) -> tuple[str, ...]:
        key = name_key(label)
        if key in seen:
            return ()
        placed = self.placed.get(key)
        if placed is None:
            category = _category_of(self._meaning.get(label, label))
            path = () if category is None else everyday().path_to(category.name)[:-1]
            return tuple(map(self.label, path))
        near = tuple(map(self.label, placed))
        return (*self._path(near[0], (*seen, key)), *near) if near else ()

    def implied(self, labels: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """What labels imply: of each parent those of them that are a kind of it, in their order."""
        kinds: dict[str, list[str]] = {}
        for label in labels:
            for parent in self.above(label):
                kinds.setdefault(parent, []).append(label)
        return {parent: tuple(below) for parent, below in kinds.items()}

    def _all_above(self, label: str, seen: tuple[str, ...]) -> tuple[str, ...]:
        """The same, perhaps some of them twice; people may have placed labels in a circle."""
        key = name_key(label)
        if key in seen:
            return ()
        placed = self.placed.get(key)
        if placed is None:
            category = _category_of(self._meaning.get(label, label))
            above = () if category is None else everyday().ancestors(category.name)
            return tuple(map(self.label, above))
        near = tuple(map(self.label, reversed(placed)))
        return (*near, *(one for part in near for one in self._all_above(part, (*seen, key))))

    @cached_property
    def _meaning(self) -> Mapping[str, str]:
        """What labels that the person renamed are to models, by the name that is shown."""
        shown = _shipped().shown
        return {label: shown[key] for key, label in self.own.items() if label and key in shown}

    def suggestions(self, wrong: str, labels: Iterable[str]) -> tuple[str, ...]:
        """The labels that an unknown name may have meant, likeliest first.

        That is what it is a kind of ("dog" for "golden retriever"), then those spelled alike, but
        not for a word that is spelled right.
        """
        known = tuple(labels)
        wider = self.wider(wrong, known)
        if is_word(wrong):
            return (wider,) if wider else ()
        spelled = {
            fold(name): label for label in known for name in (*self.others(label), label)
        }  # its own name last: it goes before others' other names
        close = difflib.get_close_matches(fold(wrong), spelled, n=2 * _MOST_SUGGESTED)
        return tuple(dict.fromkeys(spelled[name] for name in close))[:_MOST_SUGGESTED]

    def wider(self, word: str, among: Iterable[str]) -> str:
        """Which of several labels a word is a kind of, the nearest; empty for none."""
        names = set(among)
        found = filter(None, map(everyday().find, (word, *_singulars(word))))
        category = next(found, None)
        label = word if category is None else self.label(category.name)
        return next((above for above in self.above(label) if above in names), "")


def _shipped_label(name: str) -> str:
    return _shipped().shown.get(name_key(name), name)


def is_shipped(label: str) -> bool:
    """Whether a label is one of those that ship with the program."""
    return name_key(label) in _shipped().shown


def is_word(text: str) -> bool:
    """Whether a text is a whole word for what photos show, not one that is being typed.

    Those are the names of the vocabulary, and words that people look for and no category means.
    """
    keys = {name_key(one) for one in (text, *_singulars(text))}
    return not keys.isdisjoint(_looked_for()) or any(map(everyday().find, keys))


def parents_of(label: str) -> tuple[str, ...]:
    """What a shipped label is a kind of, from the top: ``("animal",)`` for "cat"; else nothing."""
    category = _category_of(label)
    return () if category is None else everyday().path_to(category.name)[:-1]


def _category_of(label: str) -> VocabularyCategory | None:
    """The category that a label is, not one that its name only finds."""
    found = everyday().find(_shipped_label(label))
    return found if found is not None and found.name == _shipped_label(label) else None


#: What ships with the program alone.
SHIPPED_NAMES = LabelNames()


def shown_label(category: str) -> str:
    """What a category is called, on one line and safe to show."""
    return display_text(SHIPPED_NAMES.label(category))


def index_of(name: str, categories: Categories) -> int:
    """The position of a category by any of its names.

    Raises:
        ConfigError: the model has none such; says which may have been meant.
    """
    found = SHIPPED_NAMES.search(name, categories)
    if found is not None:
        return categories.index_of(found)
    close = SHIPPED_NAMES.suggestions(name, SHIPPED_NAMES.labels(categories))
    raise ConfigError(f"The model has no category {name!r}.{did_you_mean(close)}")


def did_you_mean(suggestions: Sequence[str]) -> str:
    """A question that goes on after a sentence; empty without suggestions."""
    if not suggestions:
        return ""
    *most, last = suggestions
    return f" Did you mean {', '.join(most)} or {last}?" if most else f" Did you mean {last}?"


def _singulars(word: str) -> Iterator[str]:
    """What an English word may be the plural of."""
    for ending, one in _PLURALS:
        if len(word) > len(ending) + 1 and word.lower().endswith(ending):
            yield word[: -len(ending)] + one


@cache
def _looked_for() -> frozenset[str]:
    text = resource_path("categories", "looked_for.txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return frozenset(name_key(word.strip()) for line in lines for word in line.split(","))


@dataclass(frozen=True)
class _Shipped:
    """``shown``: names by key; ``others``: other names by the name that is shown."""

    shown: Mapping[str, str]
    others: Mapping[str, tuple[str, ...]]


@cache
def _shipped() -> _Shipped:
    shown: dict[str, str] = {}
    others: dict[str, tuple[str, ...]] = {}
    for category in everyday().categories:
        others[category.name] = category.same
        shown |= {name_key(name): category.name for name in (category.name, *category.same)}
    for line in resource_path("categories", "names.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            label, _, rest = line.partition(":")
            others[label] = tuple(name.strip() for name in rest.split(",") if name.strip())
            shown |= {name_key(name): label for name in (label, *others[label])}
    for name in (name for part in _LISTS for name in shipped_categories(part)):
        label = shown.setdefault(name_key(name), name)
        if name not in (label, *others.get(label, ())):
            others[label] = (*others.get(label, ()), name)
    return _Shipped(MappingProxyType(shown), MappingProxyType(others))
