"""Tables that are read a line at a time, with limits."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest

from engine.api.errors import DataError
from engine.data.datasets import label_files, reading
from engine.data.datasets.label_files import read_label_file
from engine.data.datasets.reading import MAX_TABLE_BYTES, FaultLog, text_lines

ROW = {
    "csv": "x{}.jpg,a very long label that is the same for each of the photos,present\n",
    "jsonl": '{{"path": "x{}.jpg", "labels": ["a very long label that all the photos have"]}}\n',
}


def written(folder: Path, kind: str, count: int) -> Path:
    path = folder / f"labels.{kind}"
    start = "path,label,state\n" if kind == "csv" else ""
    path.write_text(start + "".join(ROW[kind].format(i) for i in range(count)))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("kind", ROW)
def test_a_table_takes_less_memory_than_its_text(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, kind, 20_000)
    tracemalloc.start()
    for _ in text_lines(path):
        pass
    lines = tracemalloc.get_traced_memory()[1]
    table = read_label_file(path, FaultLog(strict=True))
    tracemalloc.stop()

    assert lines < path.stat().st_size / 5
    assert len(table.rows) == 20_000
    [one] = {id(label) for row in table.rows.values() for label in row.present}
    assert one


@pytest.mark.parametrize("kind", ROW)
def test_a_table_beyond_all_sense_is_refused(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, kind, 3)
    monkeypatch.setattr(label_files, "MAX_PICTURES", 2)
    with pytest.raises(DataError, match="more than 2 pictures"):
        read_label_file(path, FaultLog(strict=False))
    monkeypatch.setattr(reading, "_MAX_LINE", 12)
    with pytest.raises(DataError, match="a line that is too long"):
        read_label_file(path, FaultLog(strict=False))
    os.truncate(path, MAX_TABLE_BYTES + 1)
    with pytest.raises(DataError, match="too large: more than 2048 MiB"):
        read_label_file(path, FaultLog(strict=False))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_any_line_ends_and_known_encodings(tmp_path: Path, end: str, encoding: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(
        end.join(["path,labels", "a.jpg,Bär", "end,", "b.jpg,end", ""]).encode(encoding)
    )
    table = read_label_file(path, FaultLog(strict=True))

    assert {name: row.present for name, row in table.rows.items()} == {
        "a.jpg": ["Bär"],
        "end": [],
        "b.jpg": ["end"],
    }


@pytest.mark.parametrize("kind", ROW)
def test_the_line_that_is_not_utf8_is_named(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, kind, 5000)
    with path.open("ab") as file:
        file.write("y.jpg,Bär,present\n".encode("latin-1"))
    number = 5002 if kind == "csv" else 5001
    log = FaultLog(strict=False)
    assert len(read_label_file(path, log).rows) == (5001 if kind == "csv" else 5000)
    [problem] = log.problems()
    assert "not UTF-8" in problem
    assert f"(1): line {number}." in problem
