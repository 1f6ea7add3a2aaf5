"""Write the table of rooms of docs/ARCHITECTURE.md from the docstrings of the packages.

Without options it rewrites the page; with ``--check`` it says whether the page is as it should be.
Nothing is imported: docstrings are read from the text of the files.

    python docs/make_rooms.py [--check]
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "ARCHITECTURE.md"
BEGIN, END = "<!-- rooms: python docs/make_rooms.py -->", "<!-- end of rooms -->"
#: From top to bottom, as the contracts in pyproject.toml have them.
_LAYERS = re.compile(r'containers = \["(\w+)"\].*?layers = \[(.*?)\]', re.DOTALL)


def rooms() -> dict[str, str]:
    """Every package of the window and the engine and its docstring, by its dotted name."""
    found = {}
    for top in ("csra_gui", "engine"):
        for file in sorted((ROOT / top).rglob("__init__.py")):
            name = ".".join(file.parent.relative_to(ROOT).parts)
            found[name] = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return found


def layers() -> dict[str, list[str]]:
    """The layers of each package, the highest first, from the contracts."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return {name: re.findall(r'"([^"]+)"', inside) for name, inside in _LAYERS.findall(text)}


def table() -> str:
    """The rooms as a table, those that import first above those that are imported."""
    texts = rooms()
    lines = ["| Room | What lives there | Start at |", "|---|---|---|"]
    for top, rows in layers().items():
        names = [f"{top}.{name.strip()}" for row in rows for name in row.split("|")]
        for name in [top, *names]:
            inside = [room for room in sorted(texts) if room.startswith(f"{name}.")]
            for room in [name, *(inside if name != top else [])]:
                if room in texts:
                    lines.append(_row(room, texts[room]))
    return "\n".join(lines)


def page_with(rows: str) -> str:
    """The page with the table put in its place."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{rows}\n{END}{after}"


def _row(room: str, text: str) -> str:
    first = text.splitlines()[0]
    shown = room.replace(".", "/")
    named = re.findall(r"``([\w.]+)``", text.partition("Start at")[2])
    start = [name for name in named if (ROOT / shown / name).exists()]
    name = f"**`{shown}/`**" if "." not in room else f"`{shown}/`"
    return f"| {name} | {first} | {', '.join(f'`{file}`' for file in start)} |"


def main() -> int:
    page = page_with(table())
    if "--check" in sys.argv[1:]:
        return int(page != PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
