"""Colour labels as programs write them: words of Lightroom and Bridge, numbers of others.

digiKam writes ``digiKam:ColorLabel`` beside the word, darktable only ``darktable:colorlabels``,
which may be several. A word that is none of these is another person's own, and stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.library.ratings import COLORS
from engine.texts import fold

#: As Lightroom in English, Bridge, and Lightroom in other languages write the five.
_WORDS = {
    "red": ("Red", "Select", "Rot", "Rouge", "Rojo", "Rosso", "Rood", "Vermelho"),
    "yellow": ("Yellow", "Second", "Gelb", "Jaune", "Amarillo", "Giallo", "Geel", "Amarelo"),
    "green": ("Green", "Approved", "Grün", "Vert", "Verde", "Groen"),
    "blue": ("Blue", "Review", "Blau", "Bleu", "Azul", "Blu", "Blauw"),
    "purple": (
        *("Purple", "To Do", "Magenta", "Lila", "Violett", "Violet", "Púrpura", "Viola"),
        *("Paars", "Roxo"),
    ),
}
_COLOR_OF = {fold(word): color for color, words in _WORDS.items() for word in words}
_DIGIKAM = ("", "red", "orange", "yellow", "green", "blue", "purple", "gray", "black", "white")


def color_of_word(word: str) -> str:
    """The colour that a word means: one of ``COLORS``, or the word itself."""
    return _COLOR_OF.get(fold(word.strip()), word.strip())


def word_of_color(color: str) -> str:
    """How a colour of ``COLORS`` is written."""
    return _WORDS[color][0]


def digikam_number(color: str) -> str:
    """The number that digiKam writes for a colour; "0" for none."""
    return str(_DIGIKAM.index(color))


def darktable_number(color: str) -> str:
    """The number that darktable writes for a colour."""
    return str(COLORS.index(color))


def said_color(word: str | None, digikam: str | None, darktable: Sequence[str]) -> str | None:
    """What a packet says in all; several colours with commas between them.

    Args:
        word: of ``xmp:Label``.
        digikam: the number of ``digiKam:ColorLabel``.
        darktable: the numbers of ``darktable:colorlabels``.
    """
    several = [COLORS[number] for number in _numbers(darktable, len(COLORS))]
    color = color_of_word(word) if word else ""
    if several and (color in several or not color):
        return ", ".join(several)
    if color:
        return color
    number = next(iter(_numbers([digikam or ""], len(_DIGIKAM))), 0)
    return _DIGIKAM[number] or None


def _numbers(texts: Sequence[str], end: int) -> list[int]:
    found = {int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 3}
    return sorted(number for number in found if number < end)
