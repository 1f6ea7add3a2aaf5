from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.api.categories import Categories, shipped_categories
from engine.api.errors import DataError
from engine.data.datasets import registry as dataset_registry
from engine.data.datasets.category_mapping import read_mapping
from engine.data.datasets.labelled import LabelledImages, ObjectBox
from engine.data.datasets.registry import DATASETS, dataset_spec, load_dataset, recognise
from engine.data.datasets.splits import stratified_split
from engine.resources import resource_path
from tests.engine.data.datasets.devkits import SPLITS, make_dataset, write_picture
from tests.paths import ROOT


@pytest.mark.parametrize("name", DATASETS)
def test_every_kind_reads_is_recognised_and_answers_to_its_names(name: str, tmp_path: Path) -> None:
    root = make_dataset(name, tmp_path)
    spec = DATASETS[name]

    recognised, split = recognise(root), SPLITS.get(name, "val")

    assert recognised is not None and recognised[0] == name and split in recognised[1]
    assert spec.splits(root) == recognised[1]
    for alias in (name, name.upper(), *spec.aliases):
        assert dataset_spec(alias) is spec
        images = load_dataset(alias, root, split, strict=True)
        assert len(images) == len(images.ids) == len(images.targets) == len(images.ignored) == 1
        assert images.targets.shape[1] == len(images.categories)
        assert images.paths[0].is_file()
        assert split in images.name
    with pytest.raises(DataError, match="nonsense"):
        load_dataset(name, root, "nonsense")
    with pytest.raises(DataError, match="There is no folder"):
        load_dataset(name, root / "nowhere", split)


def test_aliases_lead_to_one_kind_each() -> None:
    names = [n for spec in DATASETS.values() for n in (spec.name, *spec.aliases)]
    assert len(names) == len(set(names))
    with pytest.raises(DataError, match="no data set called 'imagenet'; known are: voc2007"):
        dataset_spec("imagenet")


def test_any_other_folder_is_recognised_as_nothing(tmp_path: Path) -> None:
    write_picture(tmp_path / "summer" / "a.jpg")
    (tmp_path / "annotations").mkdir()
    (tmp_path / "test_report.json").write_text("[]")
    assert recognise(tmp_path) is None
    assert recognise(tmp_path / "summer" / "a.jpg") is None
    assert recognise(tmp_path / "nowhere") is None


def test_categories_without_positives_are_reported(tmp_path: Path) -> None:
    images = load_dataset("coco2017", make_dataset("coco2017", tmp_path), "val")
    assert images.problems == ("Categories that no image has (2): cat, cow.",)


def test_reading_a_data_set_needs_no_torch() -> None:
    others = "engine.data.datasets.splits, engine.data.datasets.category_mapping"
    modules = f"{dataset_registry.__name__}, {others}"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def labelled(names: tuple[str, ...], targets: list[list[int]]) -> LabelledImages:
    table = np.array(targets, dtype=bool).reshape(len(targets), len(names))
    paths = tuple(Path(f"{row}.jpg") for row in range(len(targets)))
    boxes = tuple(
        tuple(ObjectBox(int(c), (0, 0, 1, 1)) for c in np.flatnonzero(row)) for row in table
    )
    return LabelledImages(
        "set", Categories(names), paths, table, np.zeros_like(table), objects=boxes
    )


def test_every_name_of_voc_but_none_too_many_is_found_in_coco() -> None:
    voc = shipped_categories("voc")
    coco = Categories(
        tuple(resource_path("categories", "coco.txt").read_text("utf-8").strip().splitlines())
    )
    images = labelled(tuple(voc), np.eye(20, dtype=int).tolist())

    there = images.for_categories(coco)

    assert len(there.categories) == 20
    assert [c for c in coco if c in there.categories] == list(there.categories)
    pairs = {
        voc[row]: there.categories[int(np.flatnonzero(there.targets[row])[0])] for row in range(20)
    }
    assert {old: new for old, new in pairs.items() if old != new} == {
        "aeroplane": "airplane",
        "motorbike": "motorcycle",
        "sofa": "couch",
        "tvmonitor": "tv",
        "diningtable": "dining table",
        "pottedplant": "potted plant",
    }
    assert there.problems[0].startswith("60 of the model's 80 categories are left out")
    back = labelled(tuple(coco), np.eye(80, dtype=int).tolist()).for_categories(voc)
    assert list(back.categories) == list(voc)
    assert back.targets.sum() == 20
    assert "60 of the data set's 80 categories are left out because the model" in back.problems[0]


def test_a_mapping_goes_first_and_merges_and_boxes_follow() -> None:
    images = labelled(("cat", "kitten", "horse", "rock"), [[1, 0, 1, 0], [0, 1, 0, 1]])
    model = Categories(("Animal", "cat", "horse"))

    there = images.for_categories(model, {"cat": "Animal", "kitten": "Animal", "ghost": "cat"})

    assert list(there.categories) == ["Animal", "horse"]
    assert there.targets.tolist() == [[True, True], [True, False]]
    assert there.objects is not None
    assert [[o.category for o in row] for row in there.objects] == [[0, 1], [0]]
    assert [problem.rpartition(": ")[2] for problem in there.problems] == [
        "rock.",
        "cat.",
        "ghost.",
    ]


def test_spelling_does_not_matter_but_an_exact_name_goes_first() -> None:
    images = labelled(("traffic_light", "Dog"), [[1, 1]])
    there = images.for_categories(Categories(("dog", "traffic light", "Dog")))
    assert list(there.categories) == ["traffic light", "Dog"]
    shouted = labelled(("DOG",), [[1]]).for_categories(Categories(("dog", "Dog")))
    assert list(shouted.categories) == ["dog"]


def test_what_is_ignored_stays_so_unless_a_merged_category_is_there() -> None:
    images = labelled(("cat", "kitten"), [[1, 0], [0, 0]])
    images.ignored[:, 1] = True
    there = images.for_categories(Categories(("cat",)), {"kitten": "cat"})
    assert there.targets[:, 0].tolist() == [True, False]
    assert there.ignored[:, 0].tolist() == [False, True]


def test_nothing_in_common_is_an_error_that_names_both() -> None:
    with pytest.raises(DataError, match=r"share no category.*has cat; the model has logo"):
        labelled(("cat",), [[1]]).for_categories(Categories(("logo",)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.json", '{"cat": "Animal", "big dog": "dog"}'),
        ("m.csv", "old,new\ncat,Animal\n\nbig dog , dog\n"),
        ("m.csv", "cat,Animal\nbig dog,dog\ncat,Animal\n"),
    ],
)
def test_mapping_files_are_read(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_mapping(tmp_path / name) == {"cat": "Animal", "big dog": "dog"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.json", "[1]"),
        ("m.json", '{"cat": 5}'),
        ("m.json", "[" * 100_000),
        ("m.csv", "cat\n"),
        ("m.csv", "cat,\n"),
        ("m.csv", "cat,a\ncat,b\n"),
        ("m.csv", "a,b,c\n"),
        ("m.csv", "a," + "b" * 200_000),
    ],
)
def test_a_mapping_file_of_another_shape_is_refused_by_name(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=name):
        read_mapping(tmp_path / name)


def test_a_subset_keeps_everything_together() -> None:
    images = labelled(("a", "b"), [[1, 0], [0, 1], [1, 1]])
    part = images.subset([2, 0])
    assert part.ids == ("2.jpg", "0.jpg")
    assert part.targets.tolist() == [[True, True], [True, False]]
    assert part.objects is not None and [len(row) for row in part.objects] == [2, 1]
    assert len(images.subset([])) == 0


def test_columns_of_different_lengths_are_a_bug() -> None:
    images = labelled(("a",), [[1]])
    with pytest.raises(ValueError, match="2 ids for 1 samples"):
        LabelledImages(
            "x", images.categories, images.paths, images.targets, images.ignored, ("a", "b")
        )


def random_set(count: int, seed: int = 0) -> LabelledImages:
    rng = np.random.default_rng(seed)
    rates = np.array([0.5, 0.2, 0.05, 0.02])
    return labelled(("a", "b", "c", "d"), (rng.random((count, 4)) < rates).astype(int).tolist())


def test_a_split_keeps_the_frequency_of_every_category() -> None:
    images = random_set(1000)
    train, val = stratified_split(images, 0.2, seed=3)
    assert sorted([*train, *val]) == list(range(1000))
    assert abs(len(val) - 200) <= 1
    wanted = images.targets.sum(axis=0) * 0.2
    np.testing.assert_allclose(images.targets[val].sum(axis=0), wanted, atol=1.5)


def test_a_split_depends_on_ids_and_seed_but_not_on_the_order() -> None:
    images = random_set(200)
    order = np.random.default_rng(1).permutation(200)
    _, val = stratified_split(images, 0.3, seed=5)
    shuffled = images.subset(order)
    _, val_of_shuffled = stratified_split(shuffled, 0.3, seed=5)
    chosen = {images.ids[row] for row in val}
    assert {shuffled.ids[row] for row in val_of_shuffled} == chosen
    _, other = stratified_split(images, 0.3, seed=6)
    assert {images.ids[row] for row in other} != chosen


def test_samples_of_one_picture_stay_together() -> None:
    images = random_set(100)
    paths = tuple(Path(f"{row // 4}.jpg") for row in range(100))
    grouped = LabelledImages(
        "set",
        images.categories,
        paths,
        images.targets,
        images.ignored,
        ids=tuple(str(row) for row in range(100)),
    )
    train, val = stratified_split(grouped, 0.25)
    assert not {paths[row] for row in train} & {paths[row] for row in val}
    assert len(val) == pytest.approx(25, abs=4)


def test_even_the_smallest_set_is_divided_and_one_image_is_not() -> None:
    train, val = stratified_split(random_set(2), 0.01)
    assert len(train) == len(val) == 1
    with pytest.raises(DataError, match="too few images"):
        stratified_split(random_set(1), 0.5)
    with pytest.raises(ValueError, match="between 0 and 1"):
        stratified_split(random_set(5), 1.0)
