"""Builds the wheel: setuptools, after all else was moved beneath ``csra_gui``.

In the repository ``engine``, ``resources`` and ``docs`` stand beside it. Installed under such
common names they would clash with those of other programs. So the wheel is built from a copy in
which they (of ``docs`` the pages) lie in ``csra_gui``, and each ``from engine…`` says ``from
csra_gui.engine…``: names alone change, no line moves, and nothing happens when the program runs.
See docs/adr/0009-installed-beneath-one-name.md.
"""

from __future__ import annotations

import ast
import contextlib
import re
import shutil
import tempfile
from pathlib import Path

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
)

# No prepare_metadata_for_build_wheel: the metadata are those of the wheel.
__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
]

_HOME, _MOVED = "csra_gui", "engine"
_PROJECT_FILES = ("README.md", "LICENSE", "NOTICE")
#: What Linux desktops look for below the folder of the installation; editable installs do without.
_DESKTOP_FILES = """
[tool.setuptools.data-files]
"share/applications" = ["csra-gui.desktop"]
"share/icons/hicolor/scalable/apps" = ["csra-gui.svg"]
"""
_SKIPPED = shutil.ignore_patterns("__pycache__", "*.py[cod]", ".*")
_NAME_IN_TEXT = re.compile(rf"{_MOVED}\.[\w.]*")


def build_wheel(
    wheel_directory: str,
    config_settings: dict[str, str | list[str] | None] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """The hook of PEP 517; leaves nothing behind in the folder of the project."""
    target = Path(wheel_directory).resolve()
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path.cwd(), Path(folder))
        with contextlib.chdir(folder):
            return build_meta.build_wheel(str(target), config_settings)


def lay_out(project: Path, target: Path) -> None:
    """Copy to ``target`` what a wheel is made from, as it will be installed."""
    for name in _PROJECT_FILES:
        shutil.copy(project / name, target)
    settings = (project / "pyproject.toml").read_text("utf-8")
    settings = settings.replace(f'"{_MOVED}.__version__"', f'"{_HOME}.{_MOVED}.__version__"')
    (target / "pyproject.toml").write_text(settings + _DESKTOP_FILES, "utf-8")
    shutil.copy(project / "resources" / "csra-gui.desktop", target)
    shutil.copy(project / "resources" / "icons" / "app.svg", target / "csra-gui.svg")
    home = target / _HOME
    shutil.copytree(project / _HOME, home, ignore=_SKIPPED)
    for name in (_MOVED, "resources"):
        shutil.copytree(project / name, home / name, ignore=_SKIPPED)
    (home / "docs").mkdir()
    for page in (project / "docs").glob("*.md"):
        shutil.copy(page, home / "docs")
    for file in home.rglob("*.py"):
        file.write_text(renamed(file.read_text("utf-8"), file.relative_to(target)), "utf-8")


def renamed(source: str, file: Path) -> str:
    """The same code, which imports ``csra_gui.engine`` where it imported ``engine``.

    Raises:
        SyntaxError: it names a module of the engine in a way that cannot be renamed safely.
    """
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module=str(module), level=0) if _is_moved(module):
                word = "from"
            case ast.Import(names=[ast.alias(name=module, asname=str())]) if _is_moved(module):
                word = "import"
            case ast.Import(names=names) if any(_is_moved(alias.name) for alias in names):
                raise _fault(node, file, f"import one module of {_MOVED} a line, with 'as'")
            case ast.Constant(value=str(text)) if _NAME_IN_TEXT.fullmatch(text):
                raise _fault(node, file, f"a text names {text!r}: begin with __name__")
            case _:
                continue
        line, at = lines[node.lineno - 1], node.col_offset
        old, new = f"{word} {_MOVED}", f"{word} {_HOME}.{_MOVED}"
        if not line.startswith(old, at):
            raise _fault(node, file, f"write {old!r} on one line")
        lines[node.lineno - 1] = f"{line[:at]}{new}{line[at + len(old) :]}"
    return "".join(lines)


def _is_moved(module: str) -> bool:
    return module.partition(".")[0] == _MOVED


def _fault(node: ast.stmt | ast.expr, file: Path, advice: str) -> SyntaxError:
    return SyntaxError(f"{file}:{node.lineno}: cannot be installed beneath {_HOME}; {advice}")
