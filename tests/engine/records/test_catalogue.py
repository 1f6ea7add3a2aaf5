"""The catalogue of models, the user's own store, and the ``models`` command."""

import io
from pathlib import Path

import pytest
import torch
from torchvision.models import get_model_weights, resnet18

from engine import cli
from engine.api.config import PAPER_TEMPERATURES
from engine.api.errors import ModelError
from engine.checkpoints import exchange
from engine.checkpoints.csra_import import ImportOptions
from engine.checkpoints.safetensors_model import load_checkpoint
from engine.checkpoints.timm_weights import timm_entry
from engine.cli import models_making
from engine.inference.graphs import find_graph
from engine.models.classifier import Classifier
from engine.models.registry import backbone_spec
from engine.records import catalogue
from engine.records import models as store
from engine.records.catalogue import category_list, find_model, load_catalogue
from engine.records.inventory import describe_record, list_models
from engine.records.model_record import CheckpointRecord
from engine.records.models import ModelStore, check_model_name
from tests.engine.downloads.download_server import file_route, forget_proxies, serving
from tests.engine.tiny_models import save_tiny_model, tiny_classifier, tiny_config, tiny_record

pytestmark = pytest.mark.usefixtures("graphs_made_once")

ENTRY = """
[terms.free]
text = "Do as you like."
must_accept = false
[terms.strict]
text = "Only on Sundays."
must_accept = true
[[models]]
id = "small"
title = "A small one"
kind = "{kind}"
dataset = "VOC2007"
backbone = "resnet18"
num_heads = 1
lam = 0.1
categories = "voc"
url = "{url}"
terms = "{terms}"
{more}
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    """An empty store of the user's."""
    forget_proxies(monkeypatch)
    monkeypatch.setenv(store.DATA_VARIABLE, str(tmp_path / "data"))
    return store.default_store()


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model that ships, in resources of the test's own."""
    resources = tmp_path / "resources"
    (resources / "models").mkdir(parents=True)
    monkeypatch.setattr(store, "resource_path", resources.joinpath)
    return save_tiny_model(resources / "models" / f"{catalogue.DEFAULT_MODEL}.safetensors")


def use_catalogue(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    url: str = "https://example.org/a",
    kind: str = "backbone",
    terms: str = "free",
    more: str = "",
) -> Path:
    """Put another catalogue in the place of the one that ships."""
    (tmp_path / "models").mkdir(exist_ok=True)
    file = tmp_path / "models" / "catalogue.toml"
    file.write_text(ENTRY.format(url=url, kind=kind, terms=terms, more=more), encoding="utf-8")
    real = catalogue.resource_path

    def resource_path(*parts: str) -> Path:
        return file if parts[-1] == file.name else real(*parts)

    monkeypatch.setattr(catalogue, "resource_path", resource_path)
    return file


def test_the_ten_official_files_are_in_the_catalogue_each_with_its_terms() -> None:
    official = [e for e in load_catalogue().values() if e.source.host == "drive.google.com"]
    assert len({e.source.url for e in official}) == 10
    assert all(e.terms.must_accept and "AGPL-3.0" in e.terms.text for e in official)
    assert all("free for academic usage" in e.terms.text for e in official)


def test_published_results_are_those_of_the_official_readme() -> None:
    published = {
        e.id: (e.num_heads, e.lam, e.input_size, e.published_map)
        for e in load_catalogue().values()
        if e.kind == "official"
    }
    assert published == {
        "voc07-resnet101": (1, 0.1, 448, 94.7),
        "voc07-resnet-cut": (1, 0.1, 448, 95.2),
        "voc07-extra-resnet-cut": (1, 0.1, 448, 96.8),
        "coco-resnet101": (4, 0.5, 448, 83.3),
        "coco-resnet-cut": (6, 0.4, 448, 85.6),
        "coco-vit-l16": (8, 1.0, 448, 86.5),
        "coco-vit-l16-star": (8, None, 448, 86.9),
        "wider-vit-b16": (1, 0.3, 224, 89.0),
        "wider-vit-l16": (1, 0.3, 224, 90.2),
    }


def test_every_entry_names_a_backbone_heads_and_categories_that_exist() -> None:
    for entry in load_catalogue().values():
        assert backbone_spec(entry.backbone).name == entry.backbone
        if entry.kind == "official":
            assert entry.num_heads in PAPER_TEMPERATURES
            assert entry.categories is not None
            assert len(category_list(entry.categories)) in (14, 20, 80)


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_torchvision_backbones_are_where_torchvision_says(depth: int) -> None:
    weights = get_model_weights(f"resnet{depth}").IMAGENET1K_V1  # type: ignore[attr-defined]
    entry = load_catalogue()[f"resnet{depth}-imagenet"]
    assert entry.source.url == weights.url
    assert entry.source.sha256 is not None
    assert entry.source.url.endswith(f"-{entry.source.sha256}.pth")


def test_a_backbone_of_timm_has_an_address_and_its_published_checksum() -> None:
    entry = timm_entry("timm:tf_efficientnet_lite0")
    assert entry.source.url.endswith("/tf_efficientnet_lite0-0aa007d2.pth")
    assert entry.source.sha256 == "0aa007d2"
    with pytest.raises(ModelError, match="no backbone 'timm:hf_hub:evil/model'"):
        timm_entry("timm:hf_hub:evil/model")


@pytest.mark.parametrize(
    "more",
    [
        "unknown_key = 1",
        'num_heads_typo = "x"',
        "published_map = 90.0",
        'sha256 = "xyz"',
        'google_drive = "1234567890"',
        ENTRY[ENTRY.index("[[models]]") :].format(
            url="https://example.org/b", kind="backbone", terms="free", more=""
        ),
        "not toml",
    ],
)
def test_a_catalogue_that_makes_no_sense_is_refused_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    file = use_catalogue(monkeypatch, tmp_path)
    assert list(load_catalogue(file)) == ["small"]
    use_catalogue(monkeypatch, tmp_path, more=more)
    with pytest.raises(ModelError, match="the models that are already here keep working"):
        load_catalogue()


def test_a_damaged_catalogue_takes_no_model_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: ModelStore, shipped: Path
) -> None:
    use_catalogue(monkeypatch, tmp_path, more="[[[")
    mine = save_tiny_model(own.new_path("mine"))
    assert find_model(None) == shipped
    assert find_model("mine") == mine
    assert find_model(str(mine)) == mine
    rows, problem = list_models(own)
    assert [(row.name, row.kind, row.state) for row in rows] == [
        (catalogue.DEFAULT_MODEL, "shipped", "here"),
        ("mine", "own", "here"),
    ]
    assert problem is not None


def test_a_model_that_is_not_here_says_how_to_get_it(own: ModelStore) -> None:
    with pytest.raises(ModelError, match="not on this computer yet") as told:
        find_model("coco-resnet101")
    assert told.value.options == "csra models download coco-resnet101"
    with pytest.raises(ModelError, match="a backbone without heads"):
        find_model("resnet18-imagenet")
    with pytest.raises(ModelError, match="There is no model 'nonsense'"):
        find_model("nonsense")


def test_a_downloaded_file_that_was_not_imported_says_so(own: ModelStore) -> None:
    own.downloads.mkdir(parents=True)
    (own.downloads / "coco-resnet101.pth").write_bytes(b"x")
    with pytest.raises(ModelError, match="downloaded but not imported yet"):
        find_model("coco-resnet101")
    assert find_model(str(save_tiny_model(own.new_path("coco-resnet101"))))


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", "a\\b", ".hidden", "con", "NUL.txt", "a.", "a ", "x" * 101, "a\nb"]
)
def test_a_name_that_is_no_plain_file_name_is_refused(own: ModelStore, name: str) -> None:
    with pytest.raises(ModelError, match="cannot be a model's name"):
        check_model_name(name)
    with pytest.raises(ModelError):
        own.remove(name)
    with pytest.raises(ModelError):
        own.new_path(name)


def test_a_taken_name_is_refused(own: ModelStore, shipped: Path) -> None:
    save_tiny_model(own.new_path("mine"))
    with pytest.raises(ModelError, match="already a model 'mine'") as told:
        own.new_path("mine")
    assert "csra" not in str(told.value) and "csra models remove" in told.value.options
    with pytest.raises(ModelError, match="ships"):
        own.new_path(catalogue.DEFAULT_MODEL)


def test_removing_deletes_the_model_and_its_download_and_nothing_else(own: ModelStore) -> None:
    save_tiny_model(own.new_path("mine"))
    save_tiny_model(own.new_path("mine too"))
    own.downloads.mkdir()
    for name in ("mine.pth", "other.pth.part", "other.pth.part.json", "known_hashes.json"):
        (own.downloads / name).write_bytes(b"x")
    assert [path.name for path in own.remove("mine")] == ["mine.safetensors", "mine.pth"]
    assert list(own.models()) == ["mine too"]
    assert len(own.remove("other")) == 2
    with pytest.raises(ModelError, match="no model 'known_hashes' of yours"):
        own.remove("known_hashes")
    assert [path.name for path in own.downloads.iterdir()] == ["known_hashes.json"]


def test_a_model_that_ships_cannot_be_removed(own: ModelStore, shipped: Path) -> None:
    with pytest.raises(ModelError, match="ships with the program"):
        own.remove(catalogue.DEFAULT_MODEL)
    assert shipped.is_file()


def test_importing_our_own_file_keeps_it_byte_for_byte(own: ModelStore, tmp_path: Path) -> None:
    file = save_tiny_model(tmp_path / "from a friend.safetensors")
    assert cli.run(["models", "import", str(file)]) == 0
    assert own.models()["from a friend"].read_bytes() == file.read_bytes()
    assert find_graph(tiny_config()) is not None


def test_a_damaged_file_of_ours_is_not_imported(own: ModelStore, tmp_path: Path) -> None:
    file = save_tiny_model(tmp_path / "cut.safetensors")
    file.write_bytes(file.read_bytes()[:-5])
    assert cli.run(["models", "import", str(file)]) == 1
    assert own.models() == {}


def test_exporting_to_our_own_format_copies_the_model(own: ModelStore, tmp_path: Path) -> None:
    mine = save_tiny_model(own.new_path("mine"))
    output = tmp_path / "out.safetensors"
    assert cli.run(["models", "export", "mine", "--output", str(output)]) == 0
    assert load_checkpoint(output).id == load_checkpoint(mine).id
    with pytest.raises(ModelError, match="names no format"):
        exchange.export_model(mine, tmp_path / "out.txt")
    with pytest.raises(ModelError, match=r"folder of 'x\.onnx' does not exist"):
        exchange.export_model(mine, tmp_path / "nowhere" / "x.onnx")


def test_list_and_show_say_what_is_here_and_what_is_not(
    own: ModelStore, shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["models", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:2] == [catalogue.DEFAULT_MODEL, "shipped"]
    assert any("coco-resnet101" in line and line.endswith("not downloaded") for line in lines)
    assert not any("backbone  " in line for line in lines[1:])
    assert cli.run(["models", "list", "--all"]) == 0
    assert "timm:NAME" in capsys.readouterr().out
    assert cli.run(["models", "show", "coco-vit-l16-star"]) == 0
    shown = capsys.readouterr().out
    assert "free for academic usage" in shown
    assert "λ              not published" in shown
    assert cli.run(["models", "show", catalogue.DEFAULT_MODEL]) == 0
    assert "cat, dog, tree, boat, person" in capsys.readouterr().out
    assert cli.run(["models", "show", "nonsense"]) == 1


def test_terms_that_are_not_accepted_stop_the_download_before_the_network(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    own: ModelStore,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with serving(file_route(b"x" * 100)) as server:
        use_catalogue(monkeypatch, tmp_path, server.url, terms="strict")
        assert cli.run(["models", "download", "small"]) == 1
        assert server.seen == []
        said = capsys.readouterr().err
        assert "Only on Sundays." in said
        assert "--accept-terms" in said
        assert cli.run(["models", "download", "small", "--accept-terms"]) == 0
    assert (own.downloads / "small.pth").read_bytes() == b"x" * 100
    assert "Nobody published a checksum" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_on_a_terminal_the_terms_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: ModelStore, answer: str, status: int
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return answer

    monkeypatch.setattr("sys.stdin", Terminal())
    with serving(file_route(b"x" * 100)) as server:
        use_catalogue(monkeypatch, tmp_path, server.url, terms="strict")
        assert cli.run(["models", "download", "small"]) == status
        assert len(server.seen) == (1 if status == 0 else 0)


def test_an_official_file_is_imported_with_what_its_entry_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: ModelStore
) -> None:
    asked: list[object] = []

    def import_checkpoint(file: Path, options: object) -> tuple[Classifier, CheckpointRecord]:
        asked.extend((file.read_bytes(), options))
        return tiny_classifier(), tiny_record()

    monkeypatch.setattr(exchange, "import_checkpoint", import_checkpoint)
    with serving(file_route(b"x" * 100)) as server:
        use_catalogue(monkeypatch, tmp_path, server.url, kind="official", more="input_size = 224")
        assert cli.run(["models", "download", "small"]) == 0
        assert cli.run(["models", "download", "small"]) == 0  # here already
        assert len(server.seen) == 1
    options = ImportOptions("small", 0.1, category_list("voc"), 224)
    assert asked == [b"x" * 100, options]
    assert find_model("small") == own.models()["small"]
    assert load_checkpoint(find_model("small")).record.provenance == {
        "dataset": "VOC2007",
        "downloaded from": server.url,
    }
    rows, _ = list_models(own)
    assert next(row for row in rows if row.name == "small").state == "here"


@pytest.mark.slow
def test_a_file_of_the_official_kind_goes_from_the_server_to_a_model_that_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: ModelStore
) -> None:
    # Its graph would take seconds; that models get one is tested with a tiny one
    monkeypatch.setattr(models_making, "make_graph", lambda _: "")
    network = resnet18()
    state = {k: v for k, v in network.state_dict().items() if not k.startswith("fc.")}
    state["classifier.multi_head.0.head.weight"] = torch.randn(20, 512, 1, 1)
    file = io.BytesIO()
    torch.save(state, file)
    with serving(file_route(file.getvalue(), drop_after=[10_000_000])) as server:
        more = "input_size = 64\npublished_map = 50.0\npublished_in = 'a dream'"
        use_catalogue(monkeypatch, tmp_path, server.url, kind="official", more=more)
        assert cli.run(["models", "download", "small"]) == 0
    checkpoint = load_checkpoint(find_model("small"))
    config = checkpoint.record.config
    assert (config.backbone, config.head.num_heads, config.head.lam) == ("resnet18", 1, 0.1)
    assert config.preprocess.input_size == 64
    assert checkpoint.record.provenance["published mAP"] == "50.0 (a dream)"
    output = tmp_path / "back.pth"
    assert cli.run(["models", "export", "small", "--output", str(output)]) == 0
    back = torch.load(output, weights_only=True)
    key = "classifier.multi_head.0.head.weight"
    assert torch.equal(back[key], state[key])
    ours = tmp_path / "ours.safetensors"
    named = back_to_lam(output)
    assert cli.run(["models", "export", str(named), "--output", str(ours)]) == 0
    record = load_checkpoint(ours).record
    assert record.config.head.lam == 0.1
    assert describe_record(record, ours)["thresholds"].startswith("one for all, 0.5 ")
    assert cli.run(["models", "show", str(named)]) == 0


def back_to_lam(file: Path) -> Path:
    """The official files say λ in their names only."""
    return file.rename(file.with_name("resnet18_lam0.1.pth"))


def test_a_model_without_a_published_lam_asks_for_one_before_the_download(
    own: ModelStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["models", "download", "coco-vit-l16-star", "--accept-terms"]) == 1
    assert "--lam" in capsys.readouterr().err


def test_the_command_line_adds_what_to_type_to_a_message(
    own: ModelStore, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.run(["tag", str(tmp_path), "--model", "coco-resnet101"]) == 1
    assert capsys.readouterr().err.endswith(
        "error: 'coco-resnet101' is not on this computer yet. Download it first. "
        "(csra models download coco-resnet101)\n"
    )


def test_importing_says_which_file_or_categories_are_missing(
    own: ModelStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["models", "import", str(tmp_path / "none.pth")]) == 2
    file = tmp_path / "weights.pth"
    torch.save({}, file)
    assert cli.run(["models", "import", str(file), "--categories", str(tmp_path / "none")]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_categories_come_one_per_line(tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_text("\ufeffred fox\n\n  owl \n", encoding="utf-8")
    assert tuple(models_making._categories(str(file))) == ("red fox", "owl")
