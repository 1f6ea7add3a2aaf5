"""Tables, faults and the plot of ``growth.py``, made of its lines of JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: Faults: what grows faster than this between the last sizes, and takes longer than that.
STEEPEST, NEGLIGIBLE_S = 1.2, 0.1
GOALS_AT = 1_000_000
GOALS_S = {"reopen: usable": 5.0, "filter": 1.0}
HALT_GOAL_MS, MEMORY_GOAL_MB = 100.0, 1500.0
#: Which lines are drawn: what stands for each kind of step, and its colour.
DRAWN = {
    "scan: all photos": "#4c78a8",
    "reopen: complete": "#f58518",
    "reopen: usable": "#e45756",
    "export: csv": "#72b7b2",
    "decide: all": "#54a24b",
    "undo: all": "#b79a20",
    "sort: name": "#b279a2",
    "filter: names": "#9d755d",
    "threshold and counts": "#79706e",
}
PANEL, GAP, LEGEND = (380, 300), 60, 190


class Results:
    """What was measured: step and size, and figures; a line of the file each."""

    def __init__(self, path: Path | None, *, keep: bool) -> None:
        self._path = path
        self.rows: list[dict[str, Any]] = []
        if path is not None and keep and path.exists():
            self.rows = [json.loads(line) for line in path.read_text().splitlines()]
        elif path is not None:
            path.write_text("")

    def add(self, row: dict[str, Any]) -> None:
        """Keep a row, in the file at once."""
        self.rows.append(row)
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps(row) + "\n")

    def has(self, process: str, size: int) -> bool:
        """Whether a process has come to its end with so many photos."""
        ends = [row for row in self.rows if "end" in row]
        return any(row["run"] == process and row["photos"] == size for row in ends)

    def figures(self, step: str, figure: str) -> dict[int, float]:
        """By size; the last that was measured."""
        rows = [row for row in self.rows if row.get("step") == step and figure in row]
        return dict(sorted((row["photos"], row[figure]) for row in rows))

    @property
    def steps(self) -> list[str]:
        """Those that were measured, in that order."""
        return list(dict.fromkeys(row["step"] for row in self.rows if "step" in row))


def slope(by_size: dict[int, float]) -> float | None:
    """How time grows between 10,000 and the greatest size: 1 is in proportion to the photos."""
    sizes = [size for size in by_size if size >= 10_000 and by_size[size] > 0]
    if len(sizes) < 2:
        return None
    first, last = sizes[0], sizes[-1]
    return math.log(by_size[last] / by_size[first]) / math.log(last / first)


def memory_of(results: Results, process: str) -> dict[int, float]:
    """The most that this process had, by size."""
    found: dict[int, float] = {}
    for row in results.rows:
        if row["run"] == process and "memory_mb" in row:
            found[row["photos"]] = max(found.get(row["photos"], 0.0), row["memory_mb"])
    return dict(sorted(found.items()))


def say(results: Results) -> None:
    """Tables, and what is a fault: steeper than in proportion, or beyond a goal."""
    sizes = sorted({row["photos"] for row in results.rows})
    tell(f"| seconds | {' | '.join(f'{size:,}' for size in sizes)} | slope | longest halt, ms |")
    tell("|---|" + "---|" * (len(sizes) + 2))
    for step in results.steps:
        seconds, halts = results.figures(step, "s"), results.figures(step, "halt_ms")
        cells = [f"{seconds[size]:,.2f}" if size in seconds else "" for size in sizes]
        grows = slope(seconds)
        cells.append("" if grows is None else f"{grows:.2f}")
        cells.append(f"{max(halts.values()):,.0f}" if halts else "")
        tell(f"| {step} | {' | '.join(cells)} |")
    used = memory_of(results, "window")
    cells = [f"{used[size]:,.0f}" if size in used else "" for size in sizes]
    tell(f"| memory of the window, MB | {' | '.join(cells)} | | |")
    for fault in faults(results):
        tell(f"FAULT: {fault}")


def faults(results: Results) -> Iterator[str]:
    """What grows faster than the photos, and what is beyond a goal at the size that has goals."""
    for step in results.steps:
        seconds = results.figures(step, "s")
        grows = slope(seconds)
        if grows is not None and grows > STEEPEST and max(seconds.values()) > NEGLIGIBLE_S:
            yield f"{step} grows with the power {grows:.2f} of the photos"
        halt = results.figures(step, "halt_ms").get(GOALS_AT, 0.0)
        if halt > HALT_GOAL_MS:
            yield f"{step} halts the window for {halt:,.0f} ms of work"
        goal = next((s for start, s in GOALS_S.items() if step.startswith(start)), math.inf)
        if seconds.get(GOALS_AT, 0.0) > goal:
            yield f"{step} takes {seconds[GOALS_AT]:.2f} s, more than {goal:g}"
    used = memory_of(results, "window").get(GOALS_AT, 0.0)
    if used > MEMORY_GOAL_MB:
        yield f"the window takes {used:,.0f} MB"


def tell(line: str) -> None:
    print(line, flush=True)


def plot(results: Results) -> str:
    """Time beside memory, both over the number of photos, all axes logarithmic."""
    times = {step: results.figures(step, "s") for step in DRAWN}
    halts = {step: results.figures(step, "halt_ms") for step in DRAWN}
    memories = {
        "the window": memory_of(results, "window"),
        "an export": memory_of(results, "export"),
    }
    colors = DRAWN | {"the window": "#f58518", "an export": "#72b7b2"}
    panels = (("seconds", times), ("longest halt, ms of work", halts), ("memory, MB", memories))
    width, height = len(panels) * (PANEL[0] + GAP) + LEGEND, PANEL[1] + 90
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">'
        f'<rect width="{width}" height="{height}" fill="#fff"/>'
    ]
    for place, (title, lines) in enumerate(panels):
        parts.append(f'<g transform="translate({GAP + place * (PANEL[0] + GAP)},40)">')
        parts += panel(title, {name: line for name, line in lines.items() if line}, colors)
        parts.append("</g>")
    for place, (name, color) in enumerate(colors.items()):
        x, y = len(panels) * (PANEL[0] + GAP) + 30, 50 + 20 * place
        parts.append(f'<path d="M{x} {y}h18" stroke="{color}" stroke-width="2.5"/>')
        parts.append(f'<text x="{x + 24}" y="{y + 4}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])


def panel(title: str, lines: dict[str, dict[int, float]], colors: dict[str, str]) -> list[str]:
    """One pair of axes."""
    points = [(size, value) for line in lines.values() for size, value in line.items() if value > 0]
    if not points:
        return []
    bounds = [
        (math.floor(min(logs)), max(math.ceil(max(logs)), math.floor(min(logs)) + 1))
        for logs in ([math.log10(point[axis]) for point in points] for axis in (0, 1))
    ]

    def at(size: float, value: float) -> tuple[float, float]:
        x, y = (
            (math.log10(number) - low) / (high - low)
            for number, (low, high) in zip((size, value), bounds, strict=True)
        )
        return round(x * PANEL[0], 1), round((1 - y) * PANEL[1], 1)

    parts = [f'<text x="0" y="-14" font-weight="bold">{title}</text>']
    for power in range(bounds[1][0], bounds[1][1] + 1):
        y = at(10 ** bounds[0][0], 10.0**power)[1]
        parts.append(f'<path d="M0 {y}H{PANEL[0]}" stroke="#ddd"/>')
        parts.append(f'<text x="-6" y="{y + 4}" text-anchor="end">{10.0**power:,g}</text>')
    for power in range(bounds[0][0], bounds[0][1] + 1):
        x = at(10**power, 10.0 ** bounds[1][0])[0]
        parts.append(f'<path d="M{x} 0V{PANEL[1]}" stroke="#eee"/>')
        parts.append(f'<text x="{x}" y="{PANEL[1] + 18}" text-anchor="middle">{10**power:,}</text>')
    for name, line in lines.items():
        path = "L".join("{} {}".format(*at(*point)) for point in line.items() if point[1] > 0)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colors[name]}" stroke-width="2.5"/>')
    parts.append(f'<text x="{PANEL[0] / 2}" y="{PANEL[1] + 38}" text-anchor="middle">photos</text>')
    return parts
