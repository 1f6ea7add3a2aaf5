from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.paths import ROOT

FILE = Path("csra_gui/a.py")


@pytest.fixture(scope="module")
def backend() -> ModuleType:
    spec = importlib.util.spec_from_file_location("backend", ROOT / ".ci" / "build_backend.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("from engine import texts\n", "from csra_gui.engine import texts\n"),
        ("from engine.a.b import (\n    c,\n)\n", "from csra_gui.engine.a.b import (\n    c,\n)\n"),
        (
            "def f():\n    from engine.a import b\n",
            "def f():\n    from csra_gui.engine.a import b\n",
        ),
        ("import engine.a as b\n", "import csra_gui.engine.a as b\n"),
    ],
)
def test_imports_of_the_engine_are_renamed(backend: ModuleType, old: str, new: str) -> None:
    assert backend.renamed(old, FILE) == new


@pytest.mark.parametrize(
    "source",
    [
        "import os\nfrom engines import x\nfrom engine_room.engine import y\n",
        "from csra_gui.base import jobs\nfrom .engine import z\n",
        '"""What ``engine.api`` says. from engine import x"""\nengine = "engine"\nengine.upper()\n',
    ],
)
def test_all_else_stays_as_it_is(backend: ModuleType, source: str) -> None:
    assert backend.renamed(source, FILE) == source


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ("\nimport engine.api\n", "with 'as'"),
        ("\nimport os, engine.api as api\n", "with 'as'"),
        ('\nname = "tag"\nf = f"engine.cli.{name}"\n', "begin with __name__"),
        ("\nfrom \\\n    engine import api\n", "on one line"),
    ],
)
def test_what_cannot_be_renamed_ends_the_build(
    backend: ModuleType, source: str, advice: str
) -> None:
    with pytest.raises(SyntaxError, match=rf"^csra_gui/a.py:[23]: .*{advice}"):
        backend.renamed(source, FILE)


def test_no_line_of_the_program_would_end_the_build(backend: ModuleType) -> None:
    for folder in ("engine", "csra_gui"):
        for file in (ROOT / folder).rglob("*.py"):
            text = file.read_text("utf-8")
            if "engine." in text:
                backend.renamed(text, file.relative_to(ROOT))
