"""Run the notebooks of docs/notebooks from top to bottom and keep what they show.

They are written by hand, in Jupyter or any editor; what is below their cells is made here. Nothing
of the person's own is touched: data and caches go to a folder that is removed at the end.

    python docs/make_notebooks.py [NAME …]
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "notebooks"
#: Of one cell, on a machine that does something else as well.
_TIMEOUT_S = 900
#: What tqdm says where Jupyter's widgets are not installed, which nothing here needs.
_NO_WIDGETS = "IProgress not found"
#: Whatever a picture is offered as, one form is kept.
_PICTURES = ("image/jpeg", "image/png")


def executed(path: Path, folder: Path) -> Any:
    """A notebook with what its cells show, run as in Jupyter: in its own folder.

    Args:
        path: the notebook.
        folder: for all that it keeps.

    Raises:
        CellExecutionError: a cell failed.
    """
    notebook = nbformat.read(path, as_version=4)
    own = {f"XDG_{kind}_HOME": str(folder / kind) for kind in ("DATA", "CACHE", "CONFIG", "STATE")}
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    own |= {"CSRA_GUI_DATA": str(folder / "csra"), "PYTHONPATH": paths, "TMPDIR": str(folder)}
    client = NotebookClient(
        notebook,
        timeout=_TIMEOUT_S,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute(env={**os.environ, **own})
    return tidied(notebook)


def tidied(notebook: Any) -> Any:
    """The same without what changes from machine to machine and says nothing."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [one for one in cell.outputs if _NO_WIDGETS not in one.get("text", "")]
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            for form in [form for form in _PICTURES if form in data][1:]:
                del data[form]
            if any(form in data for form in _PICTURES):
                data.pop("text/plain", None)
    return notebook


def main() -> int:
    """Run those that are named, or all."""
    names = sys.argv[1:] or [path.stem for path in sorted(FOLDER.glob("*.ipynb"))]
    for name in names:
        path = FOLDER / f"{name}.ipynb"
        with tempfile.TemporaryDirectory() as folder:
            notebook = executed(path, Path(folder))
        nbformat.write(notebook, path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
