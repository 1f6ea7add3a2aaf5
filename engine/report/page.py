"""An evaluation as one page to look at: nothing in it is loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from engine.api.errors import DataError
from engine.atomic import write_text
from engine.records.run_comparison import RunComparison
from engine.report.category_table import category_section
from engine.report.closing import comparison_section, problems_section, provenance_section
from engine.report.figures import calibration_section, curves_section
from engine.report.gallery import gallery_section
from engine.report.markup import Html, element, from_data, joined
from engine.report.numbers import EvaluationReport
from engine.report.overview import metrics_section, overview, published_section
from engine.report.pairs_and_maps import localisation_section, pairs_section
from engine.report.worst_errors import ErrorCase, ErrorExample, example_of, worst_errors
from engine.resources import resource_path
from engine.texts import display_path

__all__ = [
    "ErrorCase",
    "ErrorExample",
    "example_of",
    "html_report",
    "worst_errors",
    "write_html",
]

_CONTENTS = {
    "overview": "Overview",
    "metrics": "Means",
    "published": "Published",
    "comparison": "Compared",
    "categories": "Categories",
    "errors": "Errors",
    "curves": "Curves",
    "maps": "Maps",
    "calibration": "Calibration",
    "pairs": "Pairs",
    "problems": "Left out",
    "provenance": "Provenance",
}


def html_report(
    report: EvaluationReport,
    examples: Sequence[ErrorExample] = (),
    comparison: RunComparison | None = None,
) -> str:
    """The whole page, UTF-8. It works without its script, which only sorts tables.

    Texts from the data set and the model are escaped, and a policy in the page forbids whatever
    is not part of it. Folders of this machine are left out; only names remain.

    Args:
        report: of a run.
        examples: of its worst errors.
        comparison: of an earlier run with this one.
    """
    sections = {
        "overview": overview(report),
        "metrics": metrics_section(report),
        "published": published_section(report),
        "comparison": comparison_section(comparison),
        "categories": category_section(report),
        "errors": gallery_section(examples),
        "curves": curves_section(report),
        "maps": localisation_section(report),
        "calibration": calibration_section(report),
        "pairs": pairs_section(report),
        "problems": problems_section(report),
        "provenance": provenance_section(report),
    }
    links = (element("a", _CONTENTS[key], href=f"#{key}") for key, part in sections.items() if part)
    body = element(
        "body",
        element("header", _title(report), element("nav", *links, aria_label="Contents")),
        element("main", *sections.values()),
        _script(),
    )
    page = element("html", _head(report), body, lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def write_html(path: Path, text: str) -> None:
    """Write the page, whole or not at all.

    Raises:
        DataError: it cannot be written.
    """
    try:
        write_text(path, text)
    except OSError as error:
        raise DataError(
            f"The report could not be written to {display_path(path)}: {error.strerror}."
        ) from error


def _names(report: EvaluationReport) -> tuple[str, str]:
    run = report.run
    names = (run.model.get("name", "A model"), run.dataset.get("name", "a data set"))
    return from_data(names[0]), from_data(names[1])


def _title(report: EvaluationReport) -> Html:
    model, dataset = _names(report)
    return joined(
        [
            element("p", f"Evaluation · {report.run.date}", class_="above"),
            element("h1", model, element("span", " on "), dataset),
        ]
    )


def _head(report: EvaluationReport) -> Html:
    model, dataset = _names(report)
    digest = hashlib.sha256(_resource("sort.js").encode()).digest()
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{base64.b64encode(digest).decode('ascii')}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{model} on {dataset}"),
        element("style", _resource("report.css")),
    )


def _script() -> Html:
    return element("script", _resource("sort.js"))


def _resource(name: str) -> Html:
    # The text between the tags must be the file's, byte for byte, or the policy refuses it.
    return Html(resource_path("report", name).read_text(encoding="utf-8"))
