"""HTML in which a text from outside can never become markup: what is not ``Html`` is escaped."""

from __future__ import annotations

import html
import math
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.texts import display_text

_LONGEST_TEXT = 300
_VOID = frozenset({"br", "col", "img", "meta", "input"})
# Folders may have blanks in their names; what ends a path in a sentence does not occur in them.
_FOLDERS = re.compile(
    r"(?<![\w.<])/(?:[^\s/:;,()\"'][^/\n:;,()\"']*/)+"
    r"|(?<!\w)[A-Za-z]:[\\/](?:[^\\/\n:;,()\"']+[\\/])*"
    r"|\\\\(?:[^\\\n:;,()\"']+\\)+"
)


class Html(str):
    """A piece of finished markup."""

    __slots__ = ()


Child = str | None


def element(name: str, /, *children: Child, **attributes: str | float | None) -> Html:
    """One element; children and attributes that are no ``Html`` are escaped.

    Args:
        name: of the element.
        children: texts and elements; ``None`` is left out.
        attributes: ``class_`` is class, ``data_x`` is data-x; ``None`` is left out.
    """
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(_attribute(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{shown}>")
    return Html(f"<{name}{shown}>{joined(children)}</{name}>")


def joined(children: Iterable[Child]) -> Html:
    """Pieces one after the other."""
    return Html("".join(escaped(child) for child in children if child is not None))


def escaped(text: str) -> Html:
    """A text as markup that shows it, without characters that hide or reorder what is shown."""
    return text if isinstance(text, Html) else Html(html.escape(display_text(text)))


def from_data(text: str) -> str:
    """A text from a data set or a model, shortened, without the folders of this machine."""
    home = str(Path.home())
    if len(home) > 1:  # its name may hold what otherwise ends a path
        text = text.replace(f"{home}{os.sep}", "/~/").replace(home, "~")
    text = _FOLDERS.sub("…/", text)
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def section(key: str, title: str, *children: Child) -> Html:
    """A part of the page with a heading that can be linked to."""
    return element("section", element("h2", title), *children, id=key)


def note(*children: Child, kind: str = "") -> Html:
    """A paragraph beside the numbers; of kind ``warning`` it stands out."""
    return element("p", *children, class_=f"note {kind}".strip())


def table(
    heads: Sequence[Child], rows: Iterable[Sequence[Child]], *, kind: str = "", caption: str = ""
) -> Html:
    """A table; the first column names the rows, the others are numbers.

    Args:
        heads: of the columns.
        rows: of cells, as many as there are heads; a finished ``<td>`` or ``<th>`` stays as it is.
        kind: class of the table.
        caption: above the table.
    """
    body = joined(element("tr", *(_cell(i, c) for i, c in enumerate(row))) for row in rows)
    head = element("tr", *(element("th", head, scope="col") for head in heads))
    whole = element(
        "table",
        element("caption", caption) if caption else None,
        element("thead", head),
        element("tbody", body),
        class_=kind or None,
    )
    return element("div", whole, class_="scroll")


def number_cell(shown: Child, value: float, **attributes: str) -> Html:
    """A cell that sorts by a number; one without a number sorts last."""
    key = None if math.isnan(value) else f"{value:.6g}"
    return element("td", shown, data_v=key, **attributes)


def percent(value: float) -> str:
    """A share as a number from 0 to 100 with one digit behind the point; a dash for NaN."""
    return "–" if math.isnan(value) else f"{100 * value:.1f}"


def percent_range(low: float, high: float) -> str:
    """Two shares as a range of percentages that stays on one line; a dash for NaN."""
    if math.isnan(low) or math.isnan(high):
        return "–"
    return f"{percent(low)}\N{NO-BREAK SPACE}–\N{NO-BREAK SPACE}{percent(high)}"


def whole(number: int) -> str:
    """A count with thin spaces between the thousands."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _cell(column: int, cell: Child) -> Html:
    if isinstance(cell, Html) and cell.startswith(("<td", "<th")):
        return cell
    return element("td", cell) if column else element("th", cell, scope="row")


def _attribute(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"
