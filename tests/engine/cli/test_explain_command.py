import base64
import html
import io
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import cli
from engine.api.calibration import LogitScaling
from engine.api.categories import Categories
from engine.api.geometry import Box
from engine.api.label_parents import CategoryParents
from engine.api.values import ModelInfo, PositionScores
from engine.explain import evidence
from engine.explain.drawn_maps import DrawingSettings
from engine.explain.evidence import MapKind
from engine.explain.explained_photo import ExplainedPhoto, arrays_of
from engine.explain.output_names import OutputNames, safe_name
from engine.report.explanations import open_page
from engine.service.local import LocalEngine
from tests.engine.some_scores import some_scores
from tests.engine.tiny_models import TINY_CATEGORIES, save_tiny_model
from tests.paths import ROOT


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("model") / "tiny.safetensors")


@pytest.fixture(scope="module")
def shared_engine():
    engine = LocalEngine("cpu", num_workers=1)
    yield engine
    engine.close()


@pytest.fixture
def explain(shared_engine, model_file, tmp_path, monkeypatch, capsys):
    """Run the command on an engine that all tests share; its rows, and what it said."""
    monkeypatch.setattr("engine.cli.explain.LocalEngine", lambda *_, **__: _Kept(shared_engine))

    def run(*arguments, status=0):
        given = ["--model", model_file, "--output", tmp_path / "out", *arguments]
        assert cli.run(["explain", *map(os.fspath, given)]) == status
        shown = capsys.readouterr()
        return [json.loads(line) for line in shown.out.splitlines()], shown.err

    return run


class _Kept:
    """An engine that the command cannot close."""

    def __init__(self, engine):
        self.open_model, self.explain = engine.open_model, engine.explain

    def close(self):
        pass


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a.jpg", "a.png"):
        pixels = rng.integers(0, 256, (48, 90, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def files_of(rows, suffix):
    return [Path(file) for row in rows for file in row["files"] if file.endswith(suffix)]


def test_each_category_has_its_overlay_and_photos_of_one_stem_do_not_clash(explain, photos):
    rows, said = explain(photos, "--categories", "dog,cat")
    names = [path.name for path in files_of(rows, ".png")]
    assert names == [
        f"{photo}.{category}.probability.png"
        for photo in ("a.jpg", "a.png")
        for category in ("dog", "cat")
    ]
    for path in files_of(rows, ".png"):
        with Image.open(path) as image:
            assert image.size == (90, 48)
    assert "2 of 2 photos explained." in said
    assert rows[0]["scale"] == [0.0, 1.0]


def test_top_is_every_label_that_reaches_the_threshold(explain, photos, shared_engine, model_file):
    rows, _ = explain(photos, "--threshold", "0.3")
    info = shared_engine.open_model(os.fspath(model_file))
    for row in rows:
        prediction = next(shared_engine.predict(info.id, [Path(row["path"])]))
        labels = prediction.labels(TINY_CATEGORIES, 0.3)
        assert [entry["category"] for entry in row["categories"]] == [x.category for x in labels]
        assert all(entry["label"] for entry in row["categories"])
        assert all(entry["follows_from"] is None for entry in row["categories"])
        assert len(row["files"]) == len(labels)


def test_a_photo_without_labels_has_numbers_but_no_pictures(explain, photos):
    rows, _ = explain(photos / "a.png", "--threshold", "1", "--format", "png,sheet,npz")
    assert [Path(file).suffix for file in rows[0]["files"]] == [".npz"]


@pytest.mark.parametrize("kind", ["probability", "evidence", "score", "attention"])
def test_the_arrays_are_enough_to_compute_everything_again(explain, photos, kind):
    rows, _ = explain(
        photos / "a.jpg", "--categories", "tree,boat", "--kind", kind, "--format", "npz"
    )
    with np.load(files_of(rows, ".npz")[0]) as saved:
        scores = PositionScores(
            path=Path("x"),
            model_id=str(saved["model"]),
            values=saved["position_scores"],
            temperatures=tuple(saved["temperatures"].tolist()),
            lam=float(saved["lam"]),
            content=Box(*saved["content"].tolist()),
            width=int(saved["size"][0]),
            height=int(saved["size"][1]),
            activation=str(saved["activation"]),
        )
        np.testing.assert_allclose(evidence.logits(scores), saved["logits"], atol=1e-5)
        categories = saved["categories"].tolist()
        for name, grid in zip(saved["shown"].tolist(), saved["maps"], strict=True):
            again = evidence.map_of(scores, categories.index(name), evidence.MapKind(kind))
            np.testing.assert_allclose(again, grid, atol=1e-6)
    assert saved_temperatures_are_those_of_the_tiny_model(scores)
    assert (scores.width, scores.height) == (90, 48)
    logit = next(e["logit"] for e in rows[0]["categories"] if e["category"] == "tree")
    assert logit == pytest.approx(evidence.logits(scores)[2], abs=1e-4)


def saved_temperatures_are_those_of_the_tiny_model(scores):
    return scores.temperatures == (1.0, math.inf)


def test_the_overlay_leaves_the_photo_untouched_below_the_threshold(explain, photos):
    rows, _ = explain(photos / "a.png", "--categories", "cat", "--threshold", "1")
    with Image.open(files_of(rows, ".png")[0]) as drawn, Image.open(photos / "a.png") as photo:
        assert rows[0]["categories"][0]["score"] < 0.8
        np.testing.assert_array_equal(np.asarray(drawn), np.asarray(photo))


def test_signed_maps_share_one_scale_and_raw_cells_are_squares(explain, photos):
    rows, _ = explain(
        photos / "a.png", "--categories", "cat,dog", "--kind", "evidence", "--raw",
        "--format", "png",
    )  # fmt: skip
    low, high = rows[0]["scale"]
    assert low == -high < 0
    photo = np.asarray(Image.open(photos / "a.png")).astype(int)
    drawn = np.asarray(Image.open(files_of(rows, ".png")[0])).astype(int)
    # Two by two cells (64 pixels, stride 32) over 90 × 48: one colour and opacity for each.
    quarter_photo, quarter_drawn = photo[:24, :45, 0], drawn[:24, :45, 0]
    slope, offset = np.polyfit(quarter_photo.ravel(), quarter_drawn.ravel(), 1)
    np.testing.assert_allclose(slope * quarter_photo + offset, quarter_drawn, atol=1.5)


@pytest.mark.parametrize("kind", ["evidence", "score", "attention"])
def test_the_scale_does_not_depend_on_which_maps_are_drawn(explain, photos, kind):
    one, _ = explain(photos / "a.png", "--categories", "cat", "--kind", kind)
    other, _ = explain(photos / "a.png", "--categories", "dog,tree", "--kind", kind)
    assert one[0]["scale"] == other[0]["scale"]


def test_a_larger_input_makes_a_finer_map(explain, photos):
    shapes = []
    for more in ((), ("--input-size", "128")):
        rows, _ = explain(photos / "a.png", "--categories", "cat", "--format", "npz", *more)
        with np.load(files_of(rows, ".npz")[0]) as saved:
            shapes.append(saved["maps"].shape)
    assert shapes[1] == (1, 2 * shapes[0][1], 2 * shapes[0][2])


def test_each_map_is_an_array_of_its_own_that_needs_no_pickle(explain, photos):
    rows, _ = explain(photos / "a.jpg", "--categories", "cat,boat", "--format", "npy,npz")
    maps = [np.load(file, allow_pickle=False) for file in files_of(rows, ".npy")]
    with np.load(*files_of(rows, ".npz")) as arrays:
        np.testing.assert_array_equal(np.stack(maps), arrays["maps"])
        assert arrays["shown"].tolist() == ["cat", "boat"]
        assert arrays["scale"].tolist() == rows[0]["scale"] and arrays["threshold"] == 0.5


def test_a_page_of_a_calibrated_model_says_how_many_are_right(tmp_path):
    scores = some_scores()
    calibration = LogitScaling((1.0,) * 4, (0.0,) * 4)
    names = Categories(("cat", "<b>dog</b>", "tree", "boat"))
    info = ModelInfo("m", "<i>", None, names, scores.temperatures, scores.lam, 64, "none")
    pixels = np.zeros((20, 30, 3), dtype=np.uint8)
    texts = []
    for model in (info, replace(info, calibration=calibration)):
        photo = ExplainedPhoto.of(pixels, scores, model, [0, 1], DrawingSettings())
        with open_page(model.name, MapKind.LOCAL_PROBABILITY, tmp_path / "p.html") as add:
            add(photo)
            add(photo)
        texts.append((tmp_path / "p.html").read_text(encoding="utf-8"))
    assert texts[0].count("<section>") == 2 and "of 100" not in texts[0]
    assert "<b>" not in texts[1] and "<i>" not in texts[1]
    assert f"about {round(100 * float(photo.scores[1]))}</td>" in texts[1]


def test_what_follows_from_a_kind_has_its_map_and_says_so(tmp_path):
    scores = some_scores()
    values = scores.values.copy()
    values[:, 3] = 2.0 + values[:, 3].clip(0, 1)  # a boat is surely there
    values[:, 0] = -2.0
    scores = replace(scores, values=values)
    parents = CategoryParents({3: (0,)})
    names = Categories(("vehicle", "dog", "tree", "boat"))
    model = ModelInfo(
        "m", "m", None, names, scores.temperatures, scores.lam, 64, "none", parents=parents
    )
    pixels = np.zeros((20, 30, 3), dtype=np.uint8)
    photo = ExplainedPhoto.of(pixels, scores, model, [0, 3], DrawingSettings())
    assert [photo.follows_from(c) for c in (0, 3)] == ["boat", None]
    assert photo.caption(0).endswith("% (follows from boat)")
    arrays = arrays_of(photo)
    np.testing.assert_array_equal(arrays["maps"][0], arrays["maps"][1])
    assert arrays["follows_from"].tolist() == ["boat", "", "", ""]
    assert arrays["logits"][0] == arrays["logits"][3] > 0
    with open_page(model.name, MapKind.LOCAL_PROBABILITY, tmp_path / "p.html") as add:
        add(photo)
    text = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert text.count("vehicle: follows from boat</th>") == 1 and text.count(": follows") == 1


def test_the_sheet_shows_the_photo_and_every_map(explain, photos):
    rows, _ = explain(photos / "a.png", "--categories", "cat,dog,tree", "--format", "sheet")
    (sheet,) = files_of(rows, ".png")
    with Image.open(sheet) as image:
        assert image.width > 4 * 90
        assert image.height > 48
        corner = np.asarray(image)[8:56, 8:98]
    np.testing.assert_array_equal(corner, np.asarray(Image.open(photos / "a.png")))


def test_the_page_holds_all_and_loads_nothing(explain, photos, tmp_path):
    hostile = photos / "<img src=x onerror=alert(1)>.png"
    Image.new("RGB", (30, 20)).save(hostile)
    (photos / "clip.mov").touch()
    explain(photos, "--categories", "cat", "--format", "html")
    page = (tmp_path / "out" / "explanations.html").read_text(encoding="utf-8")
    assert page.count("<section>") == 3
    assert "<img src=x" not in page
    assert "default-src 'none'" in html.unescape(page)
    assert "1 file left out: 1 MOV." in page
    sources = re.findall(r'src="([^"]*)"', page)
    assert len(sources) == 6
    for source in sources:
        data = base64.b64decode(source.removeprefix("data:image/jpeg;base64,"))
        Image.open(io.BytesIO(data)).verify()
    assert str(photos) not in page


def test_a_bad_photo_is_one_row_with_its_reason(explain, photos):
    (photos / "a.jpg").write_bytes(b"no picture")
    rows, said = explain(photos, "--categories", "cat")
    assert [bool(row["error"]) for row in rows] == [True, False]
    assert rows[0]["files"] == []
    assert "1 of 2 photos explained, 1 could not be read." in said


def test_nothing_that_is_there_is_overwritten(explain, photos):
    first, _ = explain(photos / "a.png", "--categories", "cat", "--output", photos)
    kept = {path: path.read_bytes() for path in photos.iterdir()}
    second, _ = explain(photos / "a.png", "--categories", "cat", "--output", photos)
    assert first[0]["files"] != second[0]["files"]
    assert {path: path.read_bytes() for path in kept} == kept


def test_photos_of_the_same_name_in_two_folders_have_files_of_their_own(explain, photos):
    (photos / "more").mkdir()
    (photos / "more" / "a.png").write_bytes((photos / "a.png").read_bytes())
    rows, _ = explain(photos, "-r", "--categories", "cat", "--format", "png,npz,sheet")
    files = [file for row in rows for file in row["files"]]
    assert len(set(files)) == len(files) == 9
    assert all(Path(file).is_file() for file in files)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that are not text")
def test_a_name_that_is_not_utf_8_gets_files_whose_names_are(explain, photos):
    name = os.fsdecode(b"caf\xe9.png")
    (photos / name).write_bytes((photos / "a.png").read_bytes())
    rows, _ = explain(photos / name, "--categories", "cat")
    assert os.fspath(photos / name) == rows[0]["path"]
    assert Path(rows[0]["files"][0]).name == "caf_.png.cat.probability.png"


def test_no_temporary_file_is_left(explain, photos, tmp_path):
    explain(photos, "--categories", "cat", "--format", "png,npz,sheet,html")
    assert not [p for p in (tmp_path / "out").iterdir() if p.name.startswith(".")]


def test_what_is_done_is_kept_when_the_person_stops_it(explain, photos, tmp_path, monkeypatch):
    plain = _Kept.__init__

    def stop_at_the_second(kept, engine):
        plain(kept, engine)

        def explain_first(model_id, path, **more):
            if path.name == "a.png":
                raise KeyboardInterrupt
            return engine.explain(model_id, path, **more)

        kept.explain = explain_first

    monkeypatch.setattr(_Kept, "__init__", stop_at_the_second)
    rows, said = explain(photos, "--categories", "cat", "--format", "png,html", status=130)
    assert [Path(row["path"]).name for row in rows] == ["a.jpg"]
    assert Path(rows[0]["files"][0]).is_file()
    page = (tmp_path / "out" / "explanations.html").read_text(encoding="utf-8")
    assert page.count("<section>") == 1
    assert page.endswith("</html>\n")
    assert "1 of 2 photos explained." in said


def test_a_full_disk_ends_the_run_with_a_reason(explain, photos, tmp_path, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    rows, said = explain(photos, "--categories", "cat", status=1)
    assert rows == []
    assert "could not be written: No space left on device." in said
    assert list((tmp_path / "out").iterdir()) == []


def test_a_category_that_the_model_does_not_know_ends_the_run(explain, photos, tmp_path):
    rows, said = explain(photos, "--categories", "cat,unicorn", status=1)
    assert rows == []
    assert "no category 'unicorn'" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "wrong",
    [("--kind", "magic"), ("--format", "gif"), ("--threshold", "2"), ("--colormap", "pink")],
)
def test_a_wrong_option_is_a_usage_error(explain, photos, wrong):
    explain(photos, *wrong, status=2)


def test_a_missing_path_is_a_usage_error(explain, photos):
    _, said = explain(photos / "gone.jpg", status=2)
    assert "there is no file" in said


def test_a_folder_that_cannot_be_made_is_an_error_of_one_line(explain, photos):
    _, said = explain(photos, "--output", photos / "a.png", status=1)
    assert said.count("\n") == 1
    assert "cannot be used" in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b\\c:d", "a_b_c_d"), ("..", "_"), (".hidden", "hidden"), ("CON.jpg", "_CON.jpg"),
        ("a\n\u202eb", "a__b"), ("x" * 500, "x" * 60), ("é" * 50, "é" * 30), ("end. ", "end"),
        ("\udce9", "_"), ("", "_"), ("ok name", "ok name"),
    ],
)  # fmt: skip
def test_any_text_becomes_a_part_of_a_name(text, expected):
    assert safe_name(text, 60) == expected


def test_names_differ_whatever_the_case_and_however_long(tmp_path):
    (tmp_path / "A.JPG.CAT.png").touch()
    names = OutputNames(tmp_path)
    taken = [
        names.take(Path(photo), ["cat"], ".png").name
        for photo in ("a.jpg", "A.jpg", "x" * 250 + "1.jpg", "x" * 250 + "2.jpg")
    ]
    assert taken[:2] == ["a.jpg.cat (2).png", "A.jpg.cat (3).png"]
    assert len({name.casefold() for name in taken}) == 4
    assert all(len(os.fsencode(name)) < 255 for name in taken)


def test_the_program_knows_the_command():
    command = [sys.executable, "main.py", "--help"]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert f"{', '.join(cli.COMMANDS)}\n" in told
    assert "explain" in cli.COMMANDS
    assert ROOT.joinpath("engine", "cli", "explain.py").is_file()
