import contextlib
import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from engine.api.errors import DataError
from engine.evaluation.saved_scores import ScoreRequest, score_saved
from engine.metrics.ranking import mean_average_precision
from engine.metrics.report import Protocol
from engine.records.evaluations import EvaluationStore
from engine.report.protocol import protocol_of

NAMES = ("cat", "dog", "bird")
FILES = tuple(f"{i:03}.jpg" for i in range(40))


@pytest.fixture(scope="module")
def truth():
    targets = np.random.default_rng(0).random((40, 3)) < 0.4
    targets[0] = True
    return targets


@pytest.fixture(scope="module")
def scores(truth):
    rng = np.random.default_rng(1)
    return 1 / (1 + np.exp(-(rng.normal(size=truth.shape) + 2 * truth - 1)))


@pytest.fixture
def labels(tmp_path, truth):
    """A list of labels as people write it; no photo is anywhere."""
    path = tmp_path / "labels.csv"
    lines = [",".join([f, *map(str, row)]) for f, row in zip(FILES, truth.astype(int), strict=True)]
    path.write_text("\n".join([f"path,{','.join(NAMES)}", *lines]))
    return path


def csv_of(path, values, names=FILES, categories=NAMES, mark=","):
    rows = [mark.join([n, *map(repr, v)]) for n, v in zip(names, values.tolist(), strict=True)]
    path.write_text("\n".join([mark.join(["image", *categories]), *rows]), encoding="utf-8")
    return path


def scored(scores, labels=None, **how):
    return score_saved(ScoreRequest(scores, labels, **how))


def check(run, scores, truth):
    """The run has these numbers, whatever way they came in."""
    assert run.ids == FILES and tuple(run.categories) == NAMES
    np.testing.assert_array_equal(run.targets, truth)
    np.testing.assert_allclose(1 / (1 + np.exp(-run.logits)), scores, atol=1e-12)
    wanted = mean_average_precision(scores, truth)
    assert mean_average_precision(run.logits, run.targets) == pytest.approx(wanted, abs=1e-12)


def json_line(name, value, key="scores"):
    return json.dumps({"path": name, key: value})


def write_json(path, rows):
    path.write_text("\n".join(json_line(n, v) for n, v in zip(FILES, rows, strict=True)))
    return path


def as_wide_csv(path, values):
    return csv_of(path / "s.csv", values)


def as_semicolons(path, values):
    return csv_of(path / "s.csv", values, mark=";")


def as_pairs(path, values):
    file = path / "s.csv"
    lines = ["path,model,category,score,error"]
    for name, row in zip(FILES, values.tolist(), strict=True):
        lines += [f"{name},m,{c},{v!r}," for c, v in zip(NAMES, row, strict=True)]
    file.write_text("\n".join(lines))
    return file


def as_json_by_category(path, values):
    return write_json(path / "s.jsonl", [dict(zip(NAMES, r, strict=True)) for r in values.tolist()])


def as_json_lists(path, values):
    rows = [
        [{"label": n, "score": v} for n, v in zip(NAMES, row, strict=True)]
        for row in values.tolist()
    ]
    return write_json(path / "s.jsonl", rows)


def as_json_numbers(path, values):
    return write_json(path / "s.jsonl", values.tolist())


def as_arrays(path, values):
    file = path / "s.npz"
    np.savez(file, probabilities=values, ids=np.array(FILES), categories=np.array(NAMES))
    return file


@pytest.mark.parametrize(
    "write",
    [
        as_wide_csv,
        as_semicolons,
        as_pairs,
        as_json_by_category,
        as_json_lists,
        as_json_numbers,
        as_arrays,
    ],
)
def test_every_form_comes_to_the_same_numbers(write, tmp_path, scores, labels, truth):
    check(scored(write(tmp_path, scores), labels).run, scores, truth)


def coco_labels(path, truth):
    images = [{"id": 500 + i, "file_name": name} for i, name in enumerate(FILES)]
    pairs = np.argwhere(truth).tolist()
    found = [
        {"id": n, "image_id": 500 + i, "category_id": c + 1, "bbox": [1, 1, 5, 5], "area": 25}
        for n, (i, c) in enumerate(pairs, start=1)
    ]
    names = [{"id": i, "name": name} for i, name in enumerate(NAMES, start=1)]
    file = path / "instances.json"
    file.write_text(json.dumps({"images": images, "annotations": found, "categories": names}))
    return file


def voc_labels(path, truth):
    folder = path / "voc" / "Annotations"
    folder.mkdir(parents=True)
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    for name, row in zip(FILES, truth, strict=True):
        objects = "".join(
            f"<object><name>{c}</name><difficult>0</difficult>{box}</object>"
            for c, has in zip(NAMES, row, strict=True)
            if has
        )
        text = f"<annotation><filename>{name}</filename>{objects}</annotation>"
        (folder / f"{name[:-4]}.xml").write_text(text)
    return path / "voc"


def official_labels(path, truth):
    (path / "categories.txt").write_text("\n".join(NAMES))
    file = path / "test_mine.json"
    rows = [
        {"img_path": f"images/{n}", "target": r}
        for n, r in zip(FILES, truth.astype(int).tolist(), strict=True)
    ]
    file.write_text(json.dumps(rows))
    return file


def people_labels(path, targets, folder="/data/wider/Image"):
    """As in WIDER, made on another machine: two people in each photo."""
    rows = [
        {"img_path": f"{folder}/{row // 2}.jpg", "bbox": [0, 0, 5, 5], "target": target}
        for row, target in enumerate(targets.astype(int).tolist())
    ]
    file = path / "test_wider.json"
    file.write_text(json.dumps(rows))
    return file


def array_labels_without_names(path, targets):
    file = path / "truth.npz"
    people = [f"{row // 2}.jpg#{row % 2}" for row in range(40)]
    np.savez(file, targets=targets, ids=np.array(people))
    return file


@pytest.mark.parametrize("folder", ["/data/wider/Image", "D:\\wider\\Image", "../Image"])
def test_labels_of_photos_that_lie_elsewhere_are_matched_by_the_ends(
    folder, tmp_path, scores, truth
):
    people = [f"{row // 2}.jpg#{row % 2}" for row in range(40)]
    labels = people_labels(tmp_path, truth, folder)
    (tmp_path / "categories.txt").write_text("\n".join(NAMES))
    run = scored(csv_of(tmp_path / "s.csv", scores, people), labels).run
    np.testing.assert_array_equal(run.targets, truth)
    np.testing.assert_allclose(1 / (1 + np.exp(-run.logits)), scores, atol=1e-12)


def test_rows_of_one_photo_are_told_how_to_be_named(tmp_path, scores, truth):
    names = np.array([f"{row // 2}.jpg" for row in range(40)])
    file, labels = tmp_path / "s.npz", people_labels(tmp_path, truth)
    np.savez(file, scores=scores, ids=names, categories=np.array(NAMES))
    with pytest.raises(DataError, match=r"more than once .*in their order x\.jpg#0, x\.jpg#1"):
        scored(file, labels)
    np.savez(file, scores=scores, categories=np.array(["cat", "cat", "dog"]))
    with pytest.raises(DataError, match=r"names categories more than once .*Keep one of each\.$"):
        scored(file, labels, by_order=True)


@pytest.mark.parametrize("write", [people_labels, array_labels_without_names])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_categories_that_labels_do_not_name_can_be_said(write, order, tmp_path, scores, truth):
    people = [f"{row // 2}.jpg#{row % 2}" for row in range(40)]
    labels = write(tmp_path, truth)
    columns = list(order)
    names = tuple(NAMES[column] for column in columns)
    file = csv_of(tmp_path / "s.csv", scores[:, columns], people, names)
    with pytest.raises(DataError, match=r"share no category.*categories\.txt beside its JSON"):
        scored(file, labels)
    run = scored(file, labels, categories=NAMES).run
    assert tuple(run.categories) == names
    np.testing.assert_array_equal(run.targets, truth[:, columns])
    np.testing.assert_allclose(1 / (1 + np.exp(-run.logits)), scores[:, columns], atol=1e-12)


def array_labels(path, truth):
    file = path / "truth.npz"
    np.savez(file, targets=truth, ids=np.array(FILES), categories=np.array(NAMES))
    return file


def json_labels(path, truth):
    file = path / "labels.jsonl"
    rows = [[c for c, has in zip(NAMES, row, strict=True) if has] for row in truth]
    file.write_text("\n".join(json_line(n, r, "labels") for n, r in zip(FILES, rows, strict=True)))
    (path / "categories.txt").write_text("\n".join(NAMES))
    return file


@pytest.mark.parametrize(
    "write", [coco_labels, voc_labels, official_labels, array_labels, json_labels]
)
def test_labels_come_in_every_form_that_is_read(write, tmp_path, scores, truth):
    run = scored(csv_of(tmp_path / "s.csv", scores), write(tmp_path, truth)).run
    # COCO and VOC know no image that has nothing, and VOC sorts its categories.
    order = [tuple(run.categories).index(name) for name in NAMES]
    rows = [int(name.rpartition("/")[2][:3]) for name in run.ids] if write != coco_labels else None
    rows = [int(name) - 500 for name in run.ids] if rows is None else rows
    np.testing.assert_array_equal(run.targets[:, order], truth[rows])
    np.testing.assert_allclose(1 / (1 + np.exp(-run.logits[:, order])), scores[rows], atol=1e-12)
    assert len(rows) >= truth.any(axis=1).sum()


def test_rows_in_another_order_are_found_by_name_and_it_is_said(tmp_path, scores, labels, truth):
    order = np.random.default_rng(2).permutation(40)
    names = [f"/elsewhere/photos/{FILES[i]}" for i in order]
    found = scored(csv_of(tmp_path / "s.csv", scores[order], names), labels)
    check(found.run, scores, truth)
    assert any(
        note.startswith("The scores are in another order than the labels") for note in found.notes
    )
    assert "file name" in found.run.settings["matched"]


def test_names_without_endings_and_numbers_are_found(tmp_path, scores, truth):
    labels = coco_labels(tmp_path, truth)
    for names in (
        [name[:-4] for name in FILES],
        [str(500 + i) for i in range(40)],
        [f"COCO_val2014_{500 + i:012}.jpg" for i in range(40)],
    ):
        run = scored(csv_of(tmp_path / "s.csv", scores, names), labels).run
        assert len(run.ids) == truth.any(axis=1).sum()
        rows = [int(name) - 500 for name in run.ids]
        np.testing.assert_allclose(1 / (1 + np.exp(-run.logits)), scores[rows], atol=1e-12)


def test_missing_and_additional_rows_are_told(tmp_path, scores, labels, truth):
    part = csv_of(tmp_path / "s.csv", scores[2:], FILES[2:])
    with pytest.raises(DataError, match=r"2 of the 40 labelled images have no scores .*000\.jpg"):
        scored(part, labels)
    found = scored(part, labels, allow_missing=True)
    assert len(found.run.ids) == 38 and any("are left out" in n for n in found.run.problems)
    more = csv_of(tmp_path / "m.csv", np.vstack([scores, scores[:1]]), (*FILES, "nobody-knows.jpg"))
    found = scored(more, labels)
    check(found.run, scores, truth)
    assert any("1 rows of scores have no labels" in note for note in found.notes)
    strangers = csv_of(tmp_path / "x.csv", scores, [f"other{n}" for n in FILES])
    with pytest.raises(DataError, match=r"None of the 40 images .*other000\.jpg.*000\.jpg"):
        scored(strangers, labels)
    twice = csv_of(tmp_path / "t.csv", scores[:2], (FILES[0], FILES[0]))
    with pytest.raises(DataError, match="more than once"):
        scored(twice, labels)


def test_rows_without_names_are_only_taken_in_order_when_asked(tmp_path, scores, labels, truth):
    file = tmp_path / "s.npy"
    np.save(file, scores)
    with pytest.raises(DataError, match="does not name the images") as told:
        scored(file, labels)
    assert told.value.options == "--in-order" and "--" not in str(told.value)
    found = scored(file, labels, by_order=True)
    check(found.run, scores, truth)
    assert any("columns are taken in the order of the labels" in note for note in found.notes)
    np.save(file, scores[1:])
    with pytest.raises(DataError, match="39 rows and the labels 40 images"):
        scored(file, labels, by_order=True)
    named = csv_of(tmp_path / "n.csv", scores[::-1], FILES[::-1])
    with pytest.raises(DataError, match="not in the same order"):
        scored(named, labels, by_order=True)
    alone = tmp_path / "y.npy"
    np.save(alone, truth)
    np.save(file, scores)
    assert scored(file, alone, by_order=True).run.ids[0] == "row 1"


def test_probabilities_and_logits_are_told_apart_and_said(tmp_path, scores, labels, truth):
    logits = np.log(scores) - np.log1p(-scores)
    found = scored(csv_of(tmp_path / "l.csv", logits), labels)
    check(found.run, scores, truth)
    assert found.scale_text.startswith("The scores are taken as logits (from ")
    assert "--scale" not in found.scale_text  # would be refused
    found = scored(csv_of(tmp_path / "p.csv", scores), labels)
    assert found.scale_text.startswith("The scores are taken as probabilities (from 0.")
    assert "; say so if they are logits" in found.scale_text
    asked = scored(csv_of(tmp_path / "p.csv", scores), labels, scale="logits")
    np.testing.assert_array_equal(asked.run.logits, scores)
    with pytest.raises(DataError, match="they are no probabilities"):
        scored(csv_of(tmp_path / "l.csv", logits), labels, scale="probabilities")
    file = tmp_path / "s.npz"
    np.savez(file, logits=scores, ids=np.array(FILES), categories=np.array(NAMES))
    assert "as the file says" in scored(file, labels).scale_text


def test_scores_of_0_and_1_are_the_last_and_the_first(tmp_path, scores, labels):
    edge = scores.copy()
    edge[0, 0], edge[1, 0], edge[2, 0] = 1.0, 0.0, 5e-324
    run = scored(csv_of(tmp_path / "s.csv", edge), labels).run
    assert np.isfinite(run.logits).all()
    assert run.logits[:, 0].argmax() == 0 and run.logits[:, 0].argsort()[:2].tolist() == [1, 2]


def test_what_is_not_a_number_is_refused_ignored_or_lowest(tmp_path, scores, labels, truth):
    odd = scores.copy()
    odd[3, 1] = np.nan
    file = csv_of(tmp_path / "s.csv", odd)
    with pytest.raises(DataError, match=r"1 scores of 1 images .*003\.jpg") as told:
        scored(file, labels)
    assert "--nan ignore" in told.value.options and "--" not in str(told.value)
    run = scored(file, labels, nan="ignore").run
    assert run.ignored.sum() == 1 and run.ignored[3, 1] and np.isfinite(run.logits).all()
    # The labels are known all the same.
    choice = protocol_of(run.dataset, run.ignored)
    assert choice.protocol is Protocol.PAPER_COCO and "without scores" in choice.reason
    run = scored(file, labels, nan="lowest").run
    assert not run.ignored.any() and run.logits[:, 1].argmin() == 3
    file.write_text(file.read_text().replace("nan", "often"))
    with pytest.raises(DataError, match=r"Line 5 .*'often' under 'dog' is no number"):
        scored(file, labels)


def test_what_nobody_knows_of_the_labels_does_not_count(tmp_path, scores, truth):
    file = tmp_path / "truth.npz"
    ignored = np.zeros_like(truth)
    ignored[4:8, 2] = True
    values = np.where(ignored, np.nan, truth)
    odd = np.where(np.eye(40, 3) > 0, np.nan, scores)
    for arrays in ({"targets": values}, {"y_true": truth, "ignored": ignored}):
        np.savez(file, ids=np.array(FILES), categories=np.array(NAMES), **arrays)
        run = scored(csv_of(tmp_path / "s.csv", scores), file).run
        np.testing.assert_array_equal(run.ignored, ignored & ~run.targets)
        run = scored(csv_of(tmp_path / "s.csv", odd), file, nan="ignore").run
        assert "nobody can tell" in protocol_of(run.dataset, run.ignored).reason
    np.savez(file, targets=np.where(truth, 1, -1), ids=np.array(FILES))
    with pytest.raises(DataError, match="not only 1 and 0"):
        scored(csv_of(tmp_path / "s.csv", scores), file)


def test_categories_are_matched_by_name_and_the_rest_is_left_out(tmp_path, scores, labels):
    file = csv_of(tmp_path / "s.csv", scores[:, [2, 0]], categories=("bird", "cat"))
    run = scored(file, labels).run
    assert tuple(run.categories) == ("bird", "cat")
    assert any("dog" in problem for problem in run.problems)
    other = csv_of(tmp_path / "o.csv", scores, categories=("Katze", "Hund", "Vogel"))
    with pytest.raises(DataError, match="share no category"):
        scored(other, labels)
    mapping = {"cat": "Katze", "dog": "Hund", "bird": "Vogel"}
    assert len(scored(other, labels, mapping=mapping).run.categories) == 3
    narrow = tmp_path / "n.npz"
    np.savez(narrow, scores=scores[:, :2], ids=np.array(FILES))
    with pytest.raises(DataError, match="2 columns without names and the labels have 3"):
        scored(narrow, labels)
    named = scored(narrow, labels, categories=("dog", "cat")).run
    assert tuple(named.categories) == ("dog", "cat")


def test_a_file_may_hold_scores_and_truth(tmp_path, scores, truth):
    file = tmp_path / "both.npz"
    np.savez(file, scores=scores, targets=truth, ids=np.array(FILES), categories=np.array(NAMES))
    check(scored(file).run, scores, truth)
    np.savez(file, scores=scores)
    with pytest.raises(DataError, match="holds no true labels"):
        scored(file)


def test_python_objects_are_not_read(tmp_path, scores, labels):
    file = tmp_path / "s.npz"
    np.savez(file, scores=scores, ids=np.array(FILES, dtype=object))
    with pytest.raises(DataError, match="Python objects"):
        scored(file, labels)


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".npz", ".npy", ".parquet", ".pt"])
def test_damaged_files_are_refused_in_a_sentence(ending, tmp_path, labels, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    file = tmp_path / f"s{ending}"
    for content in (b"", b"\x00\xff nonsense", b"a,b\n1,2\n", b'{"path": "x"}'):
        file.write_bytes(content)
        with pytest.raises(DataError):
            scored(file, labels)


def test_damaged_arrays_are_refused_wherever_the_damage_is(tmp_path, scores, labels):
    file = tmp_path / "s.npz"
    np.savez_compressed(file, scores=scores, ids=np.array(FILES), categories=np.array(NAMES))
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            damaged[place] = rng.integers(256)
        file.write_bytes(damaged)
        with contextlib.suppress(DataError):
            scored(file, labels, allow_missing=True, nan="lowest")
    header = tmp_path / "s.npy"
    np.save(header, scores)
    header.write_bytes(header.read_bytes().replace(b"(40, 3)", b"(40, 3 "))
    with pytest.raises(DataError, match="cannot be read"):
        scored(header, labels, by_order=True)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, labels, monkeypatch):
    file = tmp_path / "s.parquet"
    file.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(DataError, match=r"pip install 'csra-gui\[parquet\]'"):
        scored(file, labels)


def test_parquet_has_the_columns_of_csv_or_a_column_of_lists(tmp_path, scores, labels, truth):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    wide = {"image": list(FILES), **dict(zip(NAMES, scores.T, strict=True))}
    lists = {"image": list(FILES), "scores": scores.tolist()}
    for number, columns in enumerate((wide, lists)):
        file = tmp_path / f"{number}.parquet"
        parquet.write_table(arrow.table(columns), file)
        check(scored(file, labels).run, scores, truth)


def test_a_run_that_is_scored_again_from_its_own_files_is_the_same(tmp_path, scores, labels):
    first = scored(csv_of(tmp_path / "s.csv", scores), labels).run
    store = EvaluationStore(tmp_path / "runs")
    folder = store.save(replace(first, logits=first.logits.astype(np.float32)))
    kept = store.load(folder)
    for path in (folder, folder / "scores.npz"):
        again = scored(path).run
        np.testing.assert_array_equal(again.logits, kept.logits)
        assert again.logits.dtype == np.float32 and again.dataset["kind"] == kept.dataset["kind"]
    # What came in double precision stays so when it is kept.
    assert store.load(store.save(first)).logits.dtype == np.float64
