"""``tag --shard`` and ``tag --format parquet``, as several machines run them."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from engine import cli
from engine.api.categories import Categories
from engine.api.values import ModelInfo, Prediction
from engine.cli.output import JsonLinesWriter
from engine.records.tag_rows import tagged_by
from tests.engine.images import save_image
from tests.engine.raw_files import write_dng
from tests.engine.tiny_models import save_tiny_model
from tests.paths import ROOT

COUNT = 3


NAMES = Categories(("cat", "dog", "sheep"))


class QuickEngine:
    """Scores photos by their size and colours, without starting processes that decode."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def open_model(self, _: object) -> ModelInfo:
        """A model that is nowhere."""
        return ModelInfo("abc", "Quick", None, NAMES, (1.0,), 0.1, 64, "none")

    def predict(
        self, model_id: str, paths: Sequence[Path], _: object
    ) -> Generator[Prediction, None, None]:
        """Scores of each."""
        for path in paths:
            try:
                with Image.open(path) as image:
                    size, mean = image.size, np.asarray(image.convert("RGB")).mean((0, 1)) / 255
            except UnidentifiedImageError:
                yield Prediction(path, model_id, np.zeros(0, np.float32), error="It is damaged.")
            else:
                yield Prediction(path, model_id, mean.astype(np.float32), *size)

    def close(self) -> None:
        """Nothing is open."""


def write_photos(folder: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    for number in range(count):
        (folder / f"day {number % 3}").mkdir(exist_ok=True, parents=True)
        pixels = rng.integers(0, 256 - 10 * (number % 20), (20, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"day {number % 3}" / f"{number}.jpg")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    write_photos(folder, 12)
    save_image(folder / "a.jpg")
    write_dng(folder / "a.dng")
    (folder / "bad.jpg").write_bytes(b"no picture")
    return folder


Tag = Callable[..., tuple[int, str, str]]


@pytest.fixture
def tag(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tag:
    """Run ``tag``; its status, and what it writes and says."""
    monkeypatch.setattr("engine.cli.tag.LocalEngine", QuickEngine)

    def run(*arguments: object) -> tuple[int, str, str]:
        status = cli.run(["tag", "-r", "--threshold", "0.4", *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_tiny_model(tmp_path / "tiny.safetensors")


def parts(tag: Tag, photos: Path, target: Path, form: str, *more: object) -> list[Path]:
    files = []
    for k in range(COUNT):
        file = target / f"{k}.{form}"
        arguments = (photos, "--shard", f"{k}/{COUNT}", "--format", form, "--output", file, *more)
        status, _, said = tag(*arguments)
        assert status == 0, said
        files.append(file)
    return files


def shell(command: str, folder: Path) -> str:
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def shell_blocks() -> list[str]:
    """What the docs say to a shell."""
    text = (ROOT / "docs" / "SCALE.md").read_text(encoding="utf-8")
    return [block.split("```")[0] for block in text.split("```sh\n")[1:]]


def test_json_lines_of_all_shards_put_together_are_those_of_one_run(
    tag: Tag, photos: Path, tmp_path: Path
) -> None:
    files = parts(tag, photos, tmp_path, "jsonl")
    _, whole, _ = tag(photos)

    lines = "".join(file.read_text() for file in files).splitlines()
    assert sorted(lines) == sorted(whole.splitlines())
    assert len(lines) == len(set(lines)) == 14
    assert all(file.read_text() for file in files)
    assert sum("other_files" in json.loads(line) for line in lines) == 1


@pytest.mark.skipif(os.name == "nt", reason="for the shells of clusters")
def test_csv_parts_are_put_together_as_the_docs_say(tag: Tag, photos: Path, tmp_path: Path) -> None:
    parts(tag, photos, tmp_path, "csv")
    _, whole, _ = tag(photos, "--format", "csv")
    text = (ROOT / "docs" / "SCALE.md").read_text()
    command = next(line for line in text.splitlines() if "tail -q -n +2" in line)

    (tmp_path / "parts").mkdir()
    for file in tmp_path.glob("*.csv"):
        file.rename(tmp_path / "parts" / file.name)
    shell(command, tmp_path)
    merged = (tmp_path / "all.csv").read_text().splitlines()
    assert merged[0] == whole.splitlines()[0]
    assert sorted(merged) == sorted(whole.splitlines())


def test_parquet_parts_are_one_table_that_says_how_the_files_looked(
    tag: Tag, photos: Path, tmp_path: Path
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    files = parts(tag, photos, tmp_path, "parquet", "--sha256")
    tables = [parquet.read_table(file) for file in files]
    rows = {row["path"]: row for table in tables for row in table.to_pylist()}
    _, whole, _ = tag(photos, "--all-scores")
    expected = {row["path"]: row for row in map(json.loads, whole.splitlines())}

    assert rows.keys() == expected.keys()
    assert sum(table.num_rows for table in tables) == len(rows)
    names = list(tagged_by(tables[0].schema.metadata, "").categories)
    for path, row in rows.items():
        assert row["error"] == expected[path]["error"]
        assert row["size"] == Path(path).stat().st_size
        assert row["sha256"] == hashlib.sha256(Path(path).read_bytes()).hexdigest()
        scores = {each["category"]: each["score"] for each in expected[path]["labels"]}
        if row["error"] is None:
            np.testing.assert_allclose(row["scores"], [scores[n] for n in names], atol=1e-3)
            likely = {name for name, score in scores.items() if score >= 0.4}
            assert set(row["labels"]) == likely


def test_a_raw_that_counts_apart_is_in_the_shard_of_its_jpeg(
    tag: Tag, photos: Path, tmp_path: Path
) -> None:
    files = parts(tag, photos, tmp_path, "jsonl", "--separate-raw")
    paths = [[json.loads(line)["path"] for line in file.read_text().splitlines()] for file in files]
    (both,) = [found for found in paths if str(photos / "a.jpg") in found]
    assert str(photos / "a.dng") in both


def test_a_photo_that_stays_is_in_one_shard_whatever_else_comes_and_goes(
    tag: Tag, photos: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere"
    shutil.copytree(photos, folder)
    before = {path.relative_to(folder) for path in folder.rglob("*.jpg")}
    rng, found = random.Random(1), []
    for k in range(COUNT):
        _, out, _ = tag(folder, "--shard", f"{k}/{COUNT}")
        found += [Path(json.loads(line)["path"]).relative_to(folder) for line in out.splitlines()]
        gone = rng.choice(sorted(before - {Path("a.jpg")}))
        (folder / gone).unlink()
        before.discard(gone)
        shutil.copy(folder / "a.jpg", folder / f"{k} is new.jpg")
    assert all(found.count(path) == 1 for path in before)
    assert len(found) == len(set(found))


def test_a_shard_that_is_stopped_leaves_no_file_that_looks_whole(
    tag: Tag, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    file = tmp_path / "0.jsonl"
    with monkeypatch.context() as patched:
        patched.setattr(JsonLinesWriter, "write", stopped)
        status, _, said = tag(photos, "--shard", "0/1", "--output", file)
    assert status == 130
    assert "not whole" in said
    assert not list(tmp_path.iterdir())

    assert tag(photos, "--shard", "0/1", "--output", file)[0] == 0
    assert len(file.read_text().splitlines()) == 14


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--shard", "3/3"), "the last 2/3"),
        (("--shard", "-1/4"), "counted from 0"),
        (("--shard", "a/b"), "0/4 is the first of four"),
        (("--format", "parquet"), "Add --output FILE"),
        (("--sha256",), "Leave it out"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    tag: Tag, photos: Path, arguments: tuple[str, ...], message: str
) -> None:
    status, out, said = tag(photos, *arguments)
    assert status == 2
    assert not out
    assert message in said


def test_without_pyarrow_a_sentence_says_what_to_install(
    tag: Tag, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    status, _, said = tag(photos, "--format", "parquet", "--output", tmp_path / "a.parquet")
    assert status == 1
    assert "csra-gui[parquet]" in said


@pytest.mark.skipif(os.name == "nt", reason="for the shells of clusters")
def test_the_script_for_slurm_does_each_part_once_and_what_is_missing_again(
    photos: Path, tmp_path: Path
) -> None:
    job, missing = (text for text in shell_blocks() if "N=1000" in text or "seq 0 999" in text)
    (tmp_path / "photos").symlink_to(photos)
    (tmp_path / "parts").mkdir()
    program = tmp_path / "csra"
    program.write_text('#!/bin/sh\necho "$*" >> calls\nfor last; do :; done\n: > "$last"\n')
    program.chmod(0o755)
    place = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    for task in ("0", "998", "0"):
        environment = {**place, "SLURM_ARRAY_TASK_ID": task}
        subprocess.run(["sh", "-ec", job], cwd=tmp_path, env=environment, check=True)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == [
        f"tag -r photos --shard {k}/1000 --format parquet --output parts/{k:04}.parquet"
        for k in (0, 998)
    ]
    left = shell(missing, tmp_path).strip().split(",")
    assert left == [str(k) for k in range(1000) if k not in (0, 998)]


@pytest.mark.skipif(os.name == "nt", reason="for the shells of clusters")
def test_the_lines_for_plain_shells_do_each_part_on_one_machine(tmp_path: Path) -> None:
    (lines,) = (text for text in shell_blocks() if "MACHINE" in text)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "3.jsonl").touch()
    program = tmp_path / "csra"
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    told = [
        shell(f'PATH="{tmp_path}:$PATH"; MACHINE={machine}; {lines}', tmp_path).splitlines()
        for machine in (0, 1)
    ]
    assert sorted(told[0] + told[1]) == sorted(
        f"tag -r photos --shard {k}/16 --output parts/{k}.jsonl" for k in range(16) if k != 3
    )
    assert len(told[0]) == 8


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_shard_that_is_killed_can_be_started_again(model: Path, tmp_path: Path) -> None:
    folder, target = tmp_path / "photos", tmp_path / "results"
    target.mkdir()
    write_photos(folder, 150)
    fixed = (sys.executable, "main.py", "tag", "-r", str(folder), "--device", "cpu")
    fixed = (*fixed, "--model", str(model), "--shard")
    command = (*fixed, "0/2", "--output", str(target / "0.jsonl"))

    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 400
    while not any(file.stat().st_size > 500 for file in target.iterdir()):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (left,) = target.iterdir()
    assert left.name.startswith(".csra-tmp-")

    os.utime(left, (0, 0))  # as it is found a day later
    subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    assert [file.name for file in target.iterdir()] == ["0.jsonl"]
    rest = subprocess.run([*fixed, "1/2"], cwd=ROOT, check=True, capture_output=True)
    whole = subprocess.run([*fixed, "0/1"], cwd=ROOT, check=True, capture_output=True)
    first, second = (target / "0.jsonl").read_bytes().splitlines(), rest.stdout.splitlines()
    assert len(first) + len(second) == 150
    assert sorted(first + second) == sorted(whole.stdout.splitlines())
