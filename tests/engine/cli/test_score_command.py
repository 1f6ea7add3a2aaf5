import csv
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine import cli
from engine.api.categories import Categories
from engine.metrics.ranking import mean_average_precision
from engine.records.evaluations import EvaluationRun, EvaluationStore
from tests.paths import ROOT

NAMES = ("cat", "dog", "=bird")
PAGE = (ROOT / "docs" / "EVALUATION.md").read_text(encoding="utf-8")


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A place for runs and files."""
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path / "own"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def kept_run(kind="voc2007"):
    """A run as evaluate keeps one: single precision, entries that nobody can tell."""
    rng = np.random.default_rng(3)
    targets = rng.random((60, 3)) < 0.4
    ignored = (rng.random((60, 3)) < 0.1) & ~targets
    run = EvaluationRun(
        model={"name": "some model", "id": "m", "backbone": "resnet18"},
        dataset={"name": "some set", "kind": kind, "split": "test"},
        settings={},
        date="2026-01-01T00:00:00+00:00",
        categories=Categories(NAMES),
        ids=tuple(f"{i:06}" for i in range(60)),
        logits=(rng.normal(size=(60, 3)) * 3 + 3 * targets - 2).astype(np.float32),
        targets=targets,
        ignored=ignored,
    )
    return replace(run), EvaluationStore().save(run)


def numbers_of(call, file):
    assert cli.run([*call, "--json", str(file), "--resamples", "20"]) == 0
    return json.loads(file.read_text())


#: What says where a number is from, and no number.
ORIGIN = {"run", "date", "model", "dataset", "settings", "problems", "protocol_reason"}


@pytest.mark.parametrize("kind", ["voc2007", "wider"])
@pytest.mark.parametrize("ending", ["npz", "csv", "folder"])
def test_scores_that_evaluate_kept_come_to_the_same_numbers(ending, kind, own, capsys):
    run, folder = kept_run(kind)
    wanted = numbers_of(["evaluate", "--from-run", folder.name], own / "wanted.json")
    if ending == "folder":
        call = ["score", "--scores", str(folder)]
    else:
        file = own / f"scores.{ending}"
        assert cli.run(["runs", "export", "last", str(file)]) == 0
        call = ["score", "--scores", str(file)]
    if ending == "csv":
        truth = {"targets": run.targets, "ignored": run.ignored, "ids": run.ids}
        np.savez(own / "truth.npz", categories=np.array(NAMES), **truth)
        call += ["--labels", str(own / "truth.npz"), "--scale", "logits"]
    found = numbers_of(call, own / "found.json")
    if kind == "wider" and ending == "csv":  # whose arithmetic is not in such a file
        assert found["protocol"] == "paper-voc"
        assert_same(found["consistent"], wanted["consistent"])
        return
    for key in wanted.keys() - ORIGIN:
        assert_same(found[key], wanted[key])


def assert_same(found, wanted):
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        for key, value in wanted.items():
            assert_same(found[key], value)
    elif isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_same(one, other)
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, abs=1e-12)
    else:
        assert found == wanted


def test_the_result_is_a_run_with_a_page_and_labels_to_look_at(own, capsys):
    _, folder = kept_run()
    errors, page = own / "errors.csv", own / "page.html"
    assert (
        cli.run(
            [
                *("score", "--scores", str(folder), "--name", "mine", "--resamples", "20"),
                *("--html", str(page), "--label-errors", str(errors), "--compare", "last"),
            ]
        )
        == 0
    )
    captured = capsys.readouterr()
    assert "No difference can be told: ±0 mAP" in captured.out
    assert "mine on some set: 60 images" in captured.out and "Kept as run" in captured.err
    assert "taken as logits (as the file says)" in captured.err
    assert "Labels that the scores contradict most" in captured.out
    rows = list(csv.DictReader(errors.read_text().splitlines()))
    assert rows and set(rows[0]) == {"id", "category", "label", "score"}
    assert {row["category"] for row in rows} <= {"cat", "dog", "'=bird"}
    sure = [abs(float(row["score"]) - 0.5) for row in rows]
    assert sure == sorted(sure, reverse=True)
    text = page.read_text(encoding="utf-8")
    assert "some model" in text.partition("Compared with an earlier run")[2]
    assert "Labels that may be wrong" in text and "Compared with an earlier run" in text
    assert cli.run(["runs", "list"]) == 0 and "mine on some set" in capsys.readouterr().out


def test_what_goes_wrong_is_one_sentence(own, capsys):
    assert cli.run(["score", "--scores", "nothing.csv"]) == 1
    assert "There is no file nothing.csv." in capsys.readouterr().err
    Path("twice.csv").write_text("path,label,score\na.jpg,cat,0.5\na.jpg,cat,0.6\n")
    assert cli.run(["score", "--scores", "twice.csv", "--labels", "twice.csv"]) == 1
    assert "two scores: line 2 and line 3. Keep one" in capsys.readouterr().err
    Path("s.csv").write_text("path,cat\na.jpg,0.5\n")
    assert cli.run(["score", "--scores", "s.csv", "--labels", "gone"]) == 1
    assert "There are no labels at gone." in capsys.readouterr().err
    assert cli.run(["runs", "export", "last", "x.png"]) == 1


def test_scoring_needs_neither_torch_nor_what_runs_networks(own):
    _, folder = kept_run()
    code = (
        "import sys; from engine import cli; code = cli.run(sys.argv[1:]); "
        "sys.exit(code or 3 * bool({'torch', 'onnxruntime'} & set(sys.modules)))"
    )
    call = ["score", "--scores", str(folder), "--resamples", "2", "--no-keep"]
    program = [sys.executable, "-c", code, *call]
    done = subprocess.run(program, check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class OfFiftyOne(dict):
    """Stands for a sample and for one of its labels."""

    __getattr__ = dict.__getitem__


def other_frameworks(files, scores, categories):
    """What the examples take for granted, with the shapes that the frameworks give."""
    rows = dict(zip(files, scores.tolist(), strict=True))

    def tagger(name):
        pairs = zip(categories, rows[name], strict=True)
        found = [{"label": c, "score": v} for c, v in pairs]
        return sorted(found, key=lambda one: -one["score"])

    def sample(name):
        pairs = zip(categories, rows[name], strict=True)
        labels = [OfFiftyOne(label=c, confidence=v) for c, v in pairs]
        return OfFiftyOne(filepath=f"/there/{name}", predictions=OfFiftyOne(classifications=labels))

    return {
        "pipeline": lambda *_, **__: tagger,
        "dataset": [sample(name) for name in files],
        "classifier": OfFiftyOne(predict_proba=lambda _: scores),
        "features": None,
    }


def examples():
    """The examples of the page: title and code."""
    part = PAGE.partition("### Examples")[2].partition("\n## ")[0]
    return dict(re.findall(r"\*\*([^*]+)\*\*[^\n]*\n\n```python\n(.*?)```", part, re.DOTALL))


@pytest.mark.parametrize(
    "which", ["NumPy or PyTorch", "CSV", "scikit-learn", "Hugging Face", "FiftyOne"]
)
def test_the_examples_of_the_page_run(which, own, capsys):
    """With the names that the example takes for granted."""
    rng = np.random.default_rng(0)
    files = [f"{i}.jpg" for i in range(30)]
    truth = rng.random((30, 2)) < 0.5
    lines = [f"{f},{int(a)},{int(b)}" for f, (a, b) in zip(files, truth, strict=True)]
    Path("labels.csv").write_text("\n".join(["path,cat,dog", *lines]))
    scores, categories = rng.random((30, 2)), ["cat", "dog"]
    given = {"scores": scores, "files": files, "categories": categories, "y_test": truth}
    given |= other_frameworks(files, scores, categories)
    code = examples()[which].replace("from transformers import pipeline\n", "")
    exec(code, given)
    [file] = list(Path().glob("scores.*"))
    call = ["score", "--scores", str(file), "--labels", "labels.csv", "--json", "x.json"]
    assert cli.run([*call, "--resamples", "20"]) == 0
    assert "30 images" in capsys.readouterr().out
    found = json.loads(Path("x.json").read_text())["mAP"]
    assert found == pytest.approx(mean_average_precision(scores, truth), abs=1e-12)
