"""The page that shows an evaluation: safe, self-contained, bounded, and about the right errors."""

import base64
import hashlib
import io
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.api.values import DecodedImage, PositionScores
from engine.data.datasets.labelled import LabelledImages, ObjectBox
from engine.explain.evidence import sigmoid
from engine.metrics.bootstrap import BootstrapSettings
from engine.metrics.localisation import Located
from engine.metrics.pointing import LocalisationMeter
from engine.records.evaluations import EvaluationRun
from engine.records.run_comparison import compare_runs
from engine.report.numbers import report
from engine.report.page import html_report, write_html
from engine.report.worst_errors import ErrorCase, ErrorExample, example_of, worst_errors

HOSTILE = "<script>alert(1)</script>\"' onload=x & co"
VOC_TEST_IMAGES = 4952


def make_run(num_images: int = 40, num_categories: int = 3, **changes: object) -> EvaluationRun:
    generator = np.random.default_rng(7)
    targets = generator.random((num_images, num_categories)) < 0.3
    targets[:2] = True
    logits = (targets * 2.0 - 1.0 + generator.normal(0, 1.2, targets.shape)).astype(np.float32)
    run = EvaluationRun(
        model={"name": "Model A", "id": "ab12", "backbone": "resnet101"},
        dataset={"name": "VOC2007 val", "kind": "voc2007", "split": "val", "hash": "cd34"},
        settings={"flip": "False"},
        date="2026-01-02T03:04:05+00:00",
        categories=Categories(tuple(f"category {i}" for i in range(num_categories))),
        ids=tuple(f"{i:06}" for i in range(num_images)),
        logits=logits,
        targets=targets,
        ignored=np.zeros_like(targets),
    )
    return replace(run, **changes)  # type: ignore[arg-type]


def numbers(run: EvaluationRun):
    return report(run, BootstrapSettings(resamples=5))


def page_of(run: EvaluationRun, *args, **kwargs) -> str:
    return html_report(numbers(run), *args, **kwargs)


class Reader(HTMLParser):
    """Collects elements, attributes and visible text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def example(**changes: object) -> ErrorExample:
    overlay = np.zeros((60, 80), np.float32)
    overlay[:, 40:] = 0.9
    made = ErrorExample(
        id="000001",
        path=Path("/home/somebody/photos/000001.jpg"),
        category="cat",
        score=0.97,
        is_false_positive=True,
        photo=np.full((60, 80, 3), 120, np.uint8),
        overlay=overlay,
        boxes=(),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def embedded(page: str, kind: str) -> Image.Image:
    found = re.search(f'data:image/{kind};base64,([^"]+)', page)
    assert found
    return Image.open(io.BytesIO(base64.b64decode(found[1])))


def test_every_element_is_closed_where_it_was_opened() -> None:
    reader = Reader(page_of(make_run(), [example()]))
    assert reader.open == []


def test_texts_from_data_and_model_never_become_markup() -> None:
    run = make_run(
        categories=Categories((HOSTILE, "<img src=x onerror=alert(2)>", "b")),
        ids=tuple(f"{HOSTILE} {i}" for i in range(40)),
        model={"name": HOSTILE, HOSTILE: HOSTILE},
        dataset={"name": HOSTILE, "kind": HOSTILE, "split": HOSTILE},
        failed=((HOSTILE, HOSTILE),),
        problems=(HOSTILE,),
    )
    page = page_of(run, [example(id=HOSTILE, category=HOSTILE)], compare_runs(run, run))
    reader = Reader(page)
    assert len(reader.all("script")) == 1  # our own
    assert len(reader.all("img")) == 2  # photo and map
    names = {name for _, attributes in reader.elements for name in attributes}
    assert not {name for name in names if name.startswith("on")}
    assert HOSTILE in reader.text


def test_characters_that_reorder_or_break_text_are_replaced() -> None:
    page = page_of(make_run(problems=("left\u202eright\x00\ud800",)))
    assert "left\ufffdright\ufffd\ufffd" in page
    page.encode()


def test_nothing_is_loaded_from_anywhere() -> None:
    page = page_of(make_run(), [example()])
    reader = Reader(page)
    places = [a[k] for _, a in reader.elements for k in ("src", "href", "action") if k in a]
    assert places
    assert all(place and place.startswith(("data:", "#")) for place in places)
    assert "http://" not in page
    assert "https://" not in page
    assert "url(" not in page
    assert "@import" not in page


def test_the_policy_allows_only_the_script_of_the_page() -> None:
    page = page_of(make_run())
    policy = next(a["content"] for a in Reader(page).all("meta") if "http-equiv" in a)
    script = re.search("<script>(.*)</script>", page, re.DOTALL)
    assert policy
    assert script
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


@pytest.mark.parametrize(
    "text",
    [
        "/home/somebody/my photos/x.jpg is missing.",
        "Missing images (2): /home/somebody/a.jpg, /home/somebody/b.jpg.",
        r"C:\Users\somebody\photos\x.jpg is missing.",
        r"\\server\somebody\x.jpg is missing.",
        "/home/Doe, somebody/x.jpg is missing.",
    ],
)
def test_folders_of_this_machine_are_not_shown(text: str, monkeypatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/Doe, somebody"))
    page = page_of(make_run(problems=(text,), failed=((text, text),)), [example(id=text)])
    assert "somebody" not in page
    assert ".jpg" in page


def test_names_below_the_data_sets_root_stay_whole() -> None:
    name = "train/0--Parade/x.jpg#3"
    assert Reader(page_of(make_run(failed=((name, "broken and/or empty"),)))).text.count(name) == 1
    assert "and/or" in page_of(make_run(failed=((name, "broken and/or empty"),)))


def test_the_page_shows_the_numbers_of_the_report() -> None:
    found = numbers(make_run())
    text = Reader(html_report(found)).text
    interval = found.intervals.mean_average_precision
    assert f"mAP{100 * found.paper.mean_average_precision:.1f}95% interval " in text
    assert f"{100 * interval.low:.1f} – {100 * interval.high:.1f}" in text.replace("\xa0", " ")
    for category in found.paper.categories:
        assert f"{category.name}{100 * category.average_precision:.1f}" in text


def test_it_says_whose_arithmetic_and_which_ap() -> None:
    run = make_run()
    assert "non-interpolated average precision" in page_of(run)
    assert "(paper-voc)" in page_of(run)
    wider = replace(run, dataset={**run.dataset, "kind": "wider"})
    assert "(paper-wider)" in page_of(wider)


@pytest.mark.slow
def test_anything_but_the_whole_official_test_split_is_said_not_to_be_comparable() -> None:
    warning = "Not comparable with published numbers."
    dataset = {"name": "VOC2007 test", "kind": "voc2007", "split": "test"}
    whole = make_run(VOC_TEST_IMAGES, 20, dataset=dataset)
    assert warning not in page_of(whole)
    assert warning in page_of(make_run(num_categories=20))
    assert warning in page_of(make_run(VOC_TEST_IMAGES - 1, 20, dataset=dataset))
    assert warning in page_of(make_run(VOC_TEST_IMAGES, 19, dataset=dataset))
    assert warning in page_of(replace(whole, failed=(("000001", "damaged"),)))
    assert warning in page_of(replace(whole, settings={"flip": "True"}))
    assert warning in page_of(replace(whole, dataset={**dataset, "split": "val"}))
    assert warning in page_of(replace(whole, dataset={**dataset, "kind": "folder"}))


def test_published_rows_have_a_source_and_the_same_backbone_comes_first() -> None:
    run = make_run(
        dataset={"name": "COCO2014 val", "kind": "coco2014", "split": "val"},
        model={"name": "Model A", "backbone": "vit_l16"},
    )
    text = Reader(page_of(run)).text
    assert "86.5––README of the official code" in text
    assert "83.577.980.3the paper's row, as the SpliceMix repository lists it" in text
    assert text.index("ViT-L/16 on COCO2014") < text.index("ResNet-101 on COCO2014")
    assert 'id="published"' not in page_of(replace(run, dataset={"kind": "folder"}))


def test_a_category_without_positives_is_shown_without_numbers() -> None:
    run = make_run()
    targets = run.targets.copy()
    targets[:, 1] = False
    page = page_of(replace(run, targets=targets))
    assert not re.search(r"\bnan\b", Reader(page).text, re.IGNORECASE)
    assert "nan%" not in page
    assert "No image has 1 of the categories. The means leave them out: category 1." in (
        Reader(page).text
    )


def test_a_category_that_no_image_is_known_to_lack_has_no_average_precision() -> None:
    run = make_run()
    ignored = run.ignored.copy()
    ignored[:, 1] = ~run.targets[:, 1]
    page = page_of(replace(run, ignored=ignored))
    text = Reader(page).text
    assert not re.search(r"\bnan\b", text, re.IGNORECASE) and "nan%" not in page
    assert "No image is known to lack 1 of the categories. " in text
    assert "so mAP leaves them out: category 1." in text
    assert 'title="category 1"' not in page  # a curve would only be at the top


def test_every_row_of_the_category_table_can_be_sorted_by_number() -> None:
    page = page_of(make_run())
    assert page.count('class="sortable categories"') == 1
    rows = re.findall(r'<tr><th scope="row">category \d</th>(<td data-v.*?)</tr>', page)
    assert len(rows) == 3
    for row in rows:
        values = [float(v) for v in re.findall(r'data-v="([^"]*)"', row)]
        assert len(values) == row.count("<td")
        assert all(map(math.isfinite, values))


def test_maps_are_measured_only_where_there_are_boxes() -> None:
    assert 'id="maps"' not in page_of(make_run())
    meter = LocalisationMeter(3)
    grid = np.zeros((4, 4), np.float32)
    grid[0, 0] = 1.0
    meter.add(grid, Located(0, np.array([[0.0, 0.0, 30.0, 30.0]]), 100, 100))
    text = Reader(page_of(make_run(localisation=meter.state()))).text
    assert "all pairs100.00.01" in text
    assert "Source: docs/pointing.csv of TorchRay." in text
    coco = make_run(localisation=meter.state(), dataset={"kind": "coco2014", "split": "val"})
    assert "TorchRay plays with the outlines" in page_of(coco)
    assert "docs/pointing.csv" not in page_of(coco)


def test_a_comparison_names_what_got_better_and_worse() -> None:
    before = make_run()
    logits = before.logits.copy()
    wrong = np.argwhere((logits >= 0) != before.targets)[0]
    logits[tuple(wrong)] *= -100
    text = Reader(page_of(before, (), compare_runs(before, replace(before, logits=logits)))).text
    assert "Wrong before, right now: 1" in text
    assert "Right before, wrong now: 0" in text


def test_only_real_errors_are_shown_and_ignored_entries_are_none() -> None:
    run = make_run(
        2,
        2,
        logits=np.array([[9, -9], [5, -3]], np.float32),
        targets=np.array([[False, False], [False, True]]),
        ignored=np.array([[True, False], [False, False]]),
    )
    assert worst_errors(numbers(run)) == (
        ErrorCase(1, 0, float(sigmoid(np.float32(5.0))), True),
        ErrorCase(1, 1, float(sigmoid(np.float32(-3.0))), False),
    )


def test_the_worst_error_of_each_category_comes_before_any_second_one() -> None:
    logits = np.array([[9, 1, -9], [8, 2, -9], [7, -9, -9], [1, -9, 9]], np.float32)
    targets = np.zeros_like(logits, dtype=bool)
    targets[3] = [True, False, True]
    found = worst_errors(numbers(make_run(4, 3, logits=logits, targets=targets)), per_kind=4)
    assert [(case.row, case.category) for case in found] == [(0, 0), (1, 1), (1, 0), (0, 1)]


def test_errors_that_saturate_the_score_are_still_ranked() -> None:
    logits = np.array([[60.0], [90.0], [70.0], [-5.0]], np.float32)
    targets = np.array([[False], [False], [False], [True]])
    found = worst_errors(numbers(make_run(4, 1, logits=logits, targets=targets)), per_kind=2)
    assert [case.row for case in found] == [1, 2, 3]


def images_of(run: EvaluationRun, **changes: object) -> LabelledImages:
    made = LabelledImages(
        name="set",
        categories=run.categories,
        paths=tuple(Path(f"{name}.jpg") for name in reversed(run.ids)),
        targets=run.targets,
        ignored=run.ignored,
        ids=tuple(reversed(run.ids)),
        objects=tuple(
            (
                ObjectBox(1, (50.0, 100.0, 100.0, 400.0)),
                ObjectBox(0, (0.0, 0.0, 9.0, 9.0)),
            )
            for _ in run.ids
        ),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def positions(num_categories: int = 3) -> PositionScores:
    values = np.full((1, num_categories, 2, 2), -4.0, np.float32)
    values[0, 1, 0, 0] = 4.0
    shape = {"content": DecodedImage(np.zeros((1, 1, 3), np.uint8), 1, 1).content}
    return PositionScores(Path("x.jpg"), "ab", values, (math.inf,), 0.5, width=1, height=1, **shape)


PHOTO = DecodedImage(np.zeros((480, 240, 3), np.uint8), width=200, height=400)
CASE = ErrorCase(row=3, category=1, score=0.2, is_false_positive=False)


def test_an_example_has_the_photo_and_the_boxes_and_map_of_its_category() -> None:
    run = make_run()
    made = example_of(CASE, numbers(run), images_of(run), positions(), PHOTO)
    assert (made.id, made.category, made.score) == ("000003", "category 1", 0.2)
    assert made.path == Path("000003.jpg")
    assert made.photo.shape == (320, 160, 3)
    assert made.overlay is not None
    assert made.overlay.shape == (320, 160)
    assert made.overlay[0, 0] == pytest.approx(sigmoid(np.float32(6.0)))
    box = made.boxes[0]
    assert len(made.boxes) == 1
    assert (box.left, box.top, box.right, box.bottom) == (0.25, 0.25, 0.5, 1.0)


def test_a_crop_has_no_boxes_of_the_whole_picture() -> None:
    run = make_run()
    cropped = images_of(run, crops=((0.0, 0.0, 9.0, 9.0),) * len(run.ids))
    assert example_of(CASE, numbers(run), cropped, positions(), PHOTO).boxes == ()


def test_a_model_with_more_categories_shows_the_map_of_the_right_one() -> None:
    run = make_run()
    names = Categories(("other", "category 1", "category 0", "category 2"))
    args = (CASE, numbers(run), images_of(run), positions(4), PHOTO)
    known = example_of(*args, names)
    assert known.overlay is not None
    assert known.overlay.max() > 0.9
    assert example_of(*args).overlay is None  # rather than one of another category


def test_the_photo_is_clear_below_the_threshold_and_coloured_above_it() -> None:
    page = page_of(make_run(), [example()])
    colored = np.asarray(embedded(page, "png").convert("RGBA"))
    assert colored.shape == (60, 80, 4)
    assert (colored[:, :40, 3] == 0).all()
    assert (colored[:, 40:, 3] > 80).all()
    assert embedded(page, "jpeg").size == (80, 60)


def test_a_map_that_never_reaches_the_threshold_is_said_and_not_drawn() -> None:
    page = page_of(make_run(), [example(overlay=np.full((60, 80), 0.31, np.float32))])
    assert "data:image/png" not in page
    assert "no place reaches 0.5; the highest is 0.31" in page


@pytest.mark.slow
def test_eighty_categories_with_twenty_four_photos_stay_small() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    soft = np.asarray(Image.fromarray(noise[::8, ::8]).resize((320, 240)))
    overlay = np.linspace(0, 1, 320 * 240, dtype=np.float32).reshape(240, 320)
    page = page_of(make_run(3000, 80), [example(photo=soft, overlay=overlay)] * 24)
    assert len(page.encode()) < 5_000_000
    assert page.count("<figure") == 80 + 24


def test_long_lists_of_faults_are_cut_and_counted() -> None:
    failed = tuple((f"{i:06}", "damaged " * 1000) for i in range(1000))
    page = page_of(make_run(failed=failed))
    assert "And 800 more." in page
    assert "Images that could not be read: 1000" in page
    assert len(page) < 400_000


def test_the_same_run_gives_the_same_page() -> None:
    assert page_of(make_run(), [example()]) == page_of(make_run(), [example()])


def test_the_page_is_written_whole_or_an_error_says_why(tmp_path: Path) -> None:
    write_html(tmp_path / "report.html", "text – ✓")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == "text – ✓"
    with pytest.raises(DataError, match="could not be written"):
        write_html(tmp_path / "missing" / "report.html", "text")
