"""The notebooks in docs/notebooks: whole, small, and of the public names alone."""

from __future__ import annotations

import ast
import json
import runpy
from pathlib import Path

import pytest

import engine
from tests.paths import ROOT

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
LARGEST_BYTES = 400_000
#: What the cells may import beside the engine.
USUAL = {"collections", "numpy", "pathlib", "PIL", "tempfile"}


def code_cells(path: Path) -> list[dict]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_there_are_the_two_that_the_page_of_the_api_names() -> None:
    page = (ROOT / "docs" / "API.md").read_text(encoding="utf-8")
    assert len(NOTEBOOKS) == 2
    assert all(f"(notebooks/{path.name})" in page for path in NOTEBOOKS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_was_run_from_top_to_bottom_and_is_small(path: Path) -> None:
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert "error" not in {output["output_type"] for output in outputs}
    assert any("image/jpeg" in output.get("data", {}) for output in outputs)
    assert path.stat().st_size < LARGEST_BYTES
    assert str(Path.home()) not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_uses_public_names_alone(path: Path) -> None:
    trees = [ast.parse("".join(cell["source"])) for cell in code_cells(path)]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    used = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "engine"
    }
    assert used - {"__file__"} <= set(engine.__all__)
    assert "LocalEngine" in used
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    assert modules - {"engine", "csra_gui"} <= USUAL


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_as_much_as_it_did(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("nbclient")
    run = runpy.run_path(str(ROOT / "docs" / "make_notebooks.py"))["executed"]

    cells = [cell for cell in run(path, tmp_path).cells if cell.cell_type == "code"]

    def kinds(outputs: list[dict]) -> list[tuple]:
        return [(output["output_type"], *sorted(output.get("data", {}))) for output in outputs]

    kept = code_cells(path)
    assert [kinds(cell.outputs) for cell in cells] == [kinds(cell["outputs"]) for cell in kept]
