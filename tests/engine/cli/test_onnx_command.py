import json
import os

import pytest

from engine import cli
from engine.api.onnx_network import PIXEL_SCALES
from engine.records.model_record import from_metadata
from engine.records.models import default_store
from engine.records.safetensors_header import read_header
from tests.engine.onnx_files import write_names, write_tagger
from tests.paths import ROOT

PHOTO = ROOT / "resources" / "samples" / "astronaut.jpg"


@pytest.fixture
def run(capsys):
    """Run a command; what it printed, and what it said."""

    def command(*arguments, status=0):
        assert cli.run([*map(os.fspath, arguments)]) == status
        shown = capsys.readouterr()
        return shown.out, shown.err

    return command


@pytest.fixture
def tagger(tmp_path):
    return write_tagger(tmp_path / "tagger.onnx", last="Sigmoid")


@pytest.fixture
def imported(run, tagger, tmp_path):
    names = write_names(tmp_path / "names.txt")
    _, said = run("models", "import", tagger, "--names", names, "--pixels", "imagenet")
    assert "4 categories, 32 pixels" in said
    assert "probabilities, as it seems" in said


def test_what_is_missing_is_named_with_its_options(run, tagger):
    _, said = run("models", "import", tagger, status=1)
    assert "--pixels" in said
    assert "4 categories are called (--names)" in said
    half = ("--mean", "0", "0", "0")
    assert "both --mean and --std" in run("models", "import", tagger, *half, status=1)[1]
    assert default_store().models() == {}


@pytest.mark.usefixtures("imported")
def test_it_tags_and_says_what_it_is(run):
    printed, _ = run("tag", PHOTO, "--model", "tagger", "--threshold", "0")
    (row,) = map(json.loads, printed.splitlines())
    assert {label["category"] for label in row["labels"]} == {
        "red thing", "golden retriever", "^_^", "cat",
    }  # fmt: skip
    shown, _ = run("models", "show", "tagger")
    assert "it says what, not where" in shown


@pytest.mark.usefixtures("imported")
def test_it_is_evaluated_on_a_data_set_with_boxes_without_its_maps(run, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(PHOTO.read_bytes())
    (folder / "a.xml").write_text(
        "<annotation><filename>a.jpg</filename><object><name>cat</name><bndbox><xmin>5</xmin>"
        "<ymin>5</ymin><xmax>90</xmax><ymax>90</ymax></bndbox></object></annotation>"
    )
    numbers = tmp_path / "numbers.json"
    page = tmp_path / "page.html"
    run(
        "evaluate", "--model", "tagger", "--dataset", "vocxml", "--split", "all", "--data", folder,
        "--json", numbers, "--html", page,
    )  # fmt: skip
    assert json.loads(numbers.read_text())["pointing_game"] is None


@pytest.mark.usefixtures("imported")
def test_maps_are_refused_before_anything_is_written(run, tmp_path):
    where = tmp_path / "out"
    _, said = run("explain", PHOTO, "--model", "tagger", "--output", where, status=1)
    assert "says what, not where" in said
    assert not where.exists()


@pytest.mark.usefixtures("imported")
@pytest.mark.parametrize(
    "command",
    [
        ("models", "measure", "tagger"),
        ("models", "export", "tagger", "--output", "out.onnx"),
        ("models", "quantize", "tagger", "--dataset", "folders", "--data", "."),
    ],
)
def test_what_needs_a_network_of_ours_says_so(run, command):
    assert "imported from ONNX" in run(*command, status=1)[1]


@pytest.mark.usefixtures("imported")
def test_photos_are_not_compared_by_it(run):
    said = run("similar", PHOTO, PHOTO.parent, "--model", "tagger", status=1)[1]
    assert "nothing by which photos could be compared" in said


@pytest.mark.parametrize("scale", list(PIXEL_SCALES))
def test_every_scale_can_be_named_on_the_command_line(run, tagger, tmp_path, scale):
    names = write_names(tmp_path / "names.txt")
    run("models", "import", tagger, "--names", names, "--pixels", scale)
    assert list(default_store().models()) == ["tagger"]


def test_mean_and_deviation_are_taken_with_the_order_of_a_scale(run, tagger, tmp_path):
    names = write_names(tmp_path / "names.txt")
    numbers = ("--mean", "0.1", "0.2", "0.3", "--std", "0.4", "0.5", "0.6")
    run("models", "import", tagger, "--names", names, "--pixels", "0..255-bgr", *numbers)
    config = from_metadata(read_header(default_store().models()["tagger"]).metadata).config
    assert (config.preprocess.mean, config.preprocess.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert config.network is not None
    assert config.network.order == "bgr"
