"""The pages' templates (``resources/report``): a text from outside never becomes markup there."""

from __future__ import annotations

import functools
import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from engine.api.label_names import shown_label
from engine.metrics.checks import defined_mean
from engine.report.pictures import jpeg, map_png, svg_line
from engine.resources import resource_path
from engine.texts import display_text, number, percent

if TYPE_CHECKING:
    import jinja2

_LONGEST_TEXT = 300
# Folders may have blanks in their names; what ends a path in a sentence does not occur in them.
_FOLDERS = re.compile(
    r"(?<![\w.<])/(?:[^\s/:;,()\"'][^/\n:;,()\"']*/)+"
    r"|(?<!\w)[A-Za-z]:[\\/](?:[^\\/\n:;,()\"']+[\\/])*"
    r"|\\\\(?:[^\\\n:;,()\"']+\\)+"
)
# Beside a tag or a statement a line break is there for whoever reads the template.
_LAYOUT = re.compile(
    r"(?<=>)\s*\n\s*|(?<=[%#]\})\s*\n\s*|\s*\n\s*(?=<|\{[%#])|(?<=\}\})\s*\n\s*(?=\{\{)"
)


def render(name: str, /, **values: object) -> Markup:
    """A template filled in: whatever is not ``Markup`` itself is escaped.

    Args:
        name: of the file.
        values: that it uses; to use one that is not given is an error.
    """
    return Markup(_environment().get_template(name).render(values))  # noqa: S704 - autoescaped


def finished_markup(name: str) -> Markup:
    """A file of the report that is put into a page byte for byte."""
    return Markup(resource_path("report", name).read_text(encoding="utf-8"))  # noqa: S704 - ours


def from_data(text: str) -> str:
    """A text from a data set or a model, shortened, without the folders of this machine."""
    home = str(Path.home())
    if len(home) > 1:  # its name may hold what otherwise ends a path
        text = text.replace(f"{home}{os.sep}", "/~/").replace(home, "~")
    text = _FOLDERS.sub("…/", text)
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def _percent_range(low: float, high: float) -> str:
    """Two shares as a range of percentages that stays on one line; a dash for NaN."""
    if math.isnan(low) or math.isnan(high):
        return "–"
    return f"{percent(low)}\N{NO-BREAK SPACE}–\N{NO-BREAK SPACE}{percent(high)}"


def _whole(number: int) -> str:
    """A count with thin spaces between the thousands."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


@functools.cache
def _environment() -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - the window imports this file, and seldom makes a page

    environment = jinja2.Environment(
        autoescape=True,
        finalize=_visible,
        loader=jinja2.FunctionLoader(_template),
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "from_data": from_data,
        "label": shown_label,
        "jpeg": jpeg,
        "log1p": math.log1p,
        "map_png": map_png,
        "mean": defined_mean,
        "percent": percent,
        "number": number,
        "svg_line": svg_line,
        "whole": _whole,
    }
    environment.globals["percent_range"] = _percent_range
    return environment


def _template(name: str) -> tuple[str, str, Callable[[], bool]]:
    """What it shows on one line, with the numbers of the lines kept for errors in it."""
    path = resource_path("report", name)
    text = path.read_text(encoding="utf-8")
    shown = _LAYOUT.sub(lambda space: "{#" + "\n" * space[0].count("\n") + "#}", text)
    return shown, str(path), lambda: True


def _visible(value: object) -> object:
    """Without characters that hide or reorder what is shown; markup is left as it is."""
    return value if isinstance(value, Markup) else display_text(str(value))
