"""The manual as data: its pages, their sections, and what each speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.resources import document_path
from engine.texts import fold

#: In the order of the table of contents.
PAGES = ("MANUAL", "EXPLANATIONS", "MODELS", "EVALUATION", "TRAINING", "GLOSSARY")
_HEADING = re.compile(r"(#{1,3}) +(.+)")
_MARKS = re.compile(r"[*`_]|\]\([^)]*\)|\[")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it, up to the next one.

    Attributes:
        level: 1 is the page.
        title: without marks.
        text: folded, with the title.
    """

    level: int
    title: str
    text: str

    def speaks_of(self, words: str) -> bool:
        """Whether every word is in it."""
        return all(word in self.text for word in fold(words).split())

    @property
    def anchor(self) -> str:
        """By what links name it."""
        return re.sub(r"[^\w\- ]", "", self.title.casefold()).replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Page:
    """One file of the documentation.

    Attributes:
        name: of its file, without the ending.
        markdown: all of it.
        sections: in order; the first one is the page itself.
    """

    name: str
    markdown: str
    sections: tuple[Section, ...]


def read_manual() -> tuple[Page, ...]:
    """Every page; touches the disk."""
    files = (document_path(f"{name}.md") for name in PAGES)
    return tuple(_page(file) for file in files if file.is_file())


def _page(file: Path) -> Page:
    markdown = file.read_text(encoding="utf-8")
    return Page(file.stem, markdown, tuple(_sections(markdown)))


def _sections(markdown: str) -> Iterator[Section]:
    level, title, lines, is_code = 0, "", list[str](), False
    for line in markdown.splitlines():
        is_code ^= line.startswith("```")
        heading = None if is_code else _HEADING.fullmatch(line)
        if heading is None:
            lines.append(line)
            continue
        if level:
            yield Section(level, title, fold("\n".join(lines)))
        level, title = len(heading[1]), _MARKS.sub("", heading[2])
        lines = [title]
    if level:
        yield Section(level, title, fold("\n".join(lines)))
