import math

import numpy as np
import pytest
import safetensors.torch
import timm
import torch
import torchvision

from engine.api.categories import Categories
from engine.api.config import PAPER_TEMPERATURES, HeadConfig, PredictConfig
from engine.api.errors import CheckpointError, ConfigError
from engine.checkpoints import csra_layout
from engine.checkpoints.csra_import import (
    ImportOptions,
    export_official,
    import_checkpoint,
    lambda_in,
)
from engine.checkpoints.csra_layout import read_layout
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.safetensors_model import in_memory, load_checkpoint, save_checkpoint
from engine.models.backbones import TimmBackbone
from engine.models.registry import BACKBONES, BackboneSpec, build_backbone
from engine.resources import resource_path
from engine.service.local import LocalEngine
from tests.engine.csra_checkpoints import (
    SMALL_VIT,
    csra_formula,
    golden_images,
    golden_state,
    random_vit,
    resnet_state,
)
from tests.engine.tiny_models import tiny_classifier, tiny_record
from tests.paths import GOLDEN

NETWORKS = [
    ("resnet18", "resnet18_heads1", 1, 0.1, 20, 224, "resnet18_heads1_lam0.1_cls20_size224_logit"),
    ("resnet50", "resnet50_heads4", 4, 0.5, 80, 224, "resnet50_heads4_lam0.5_cls80_size224_logit"),
    pytest.param(
        *("vit_b16", "vit_b16_heads1", 1, 0.3, 14, 224, "vit_b16_224_heads1_lam0.3_cls14_logit"),
        marks=pytest.mark.slow,  # by default a small one: test_a_small_vit_follows_the_formula
    ),
]


#: A trial run at 448 pixels takes a second, at this size none.
SMALL = ImportOptions(input_size=64)


def saved(folder, state, name="net_lam0.5.pth", **options):
    path = folder / name
    torch.save(state, path, **options)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(("backbone", "keys", "heads", "lam", "classes", "size", "entry"), NETWORKS)
def test_logits_are_those_of_the_official_code(
    backbone, keys, heads, lam, classes, size, entry, tmp_path
):
    state = golden_state(GOLDEN / f"keys_{keys}.json")
    expected = np.load(GOLDEN / "models.npz")[entry]
    path = saved(tmp_path, state, f"{backbone}_head{heads}_lam{lam}_94.7.pth")
    classifier, record = import_checkpoint(path, ImportOptions(input_size=size))
    config = record.config
    assert (config.backbone, config.head.lam, len(config.categories)) == (backbone, lam, classes)
    assert config.head.temperatures == PAPER_TEMPERATURES[heads]
    images = (golden_images(size) - config.preprocess.mean[0]) / config.preprocess.std[0]
    with torch.inference_mode():
        logits = classifier(images).logits.numpy()
    scale = np.abs(expected).max()
    np.testing.assert_allclose(logits / scale, expected / scale, rtol=0, atol=1e-4)


@pytest.mark.slow
def test_what_the_golden_numbers_do_not_cover_follows_the_formula_resnet34_six_heads(tmp_path):
    state = resnet_state(34, 6, 80)
    classifier, record = import_checkpoint(saved(tmp_path, state))
    assert record.config.preprocess.input_size == 448
    network = torchvision.models.resnet34(weights=None)
    network.load_state_dict(state, strict=False)
    network.eval()
    trunk = torch.nn.Sequential(*list(network.children())[:-2])
    images = torch.rand(2, 3, 96, 160)
    weights = [state[f"classifier.multi_head.{h}.head.weight"][:, :, 0, 0] for h in range(6)]
    with torch.inference_mode():
        features = trunk(images)
        expected = csra_formula(features, weights, PAPER_TEMPERATURES[6], 0.5)
        torch.testing.assert_close(classifier(images).logits, expected, rtol=1e-4, atol=1e-4)


@pytest.fixture
def small_vit(monkeypatch):
    """A ViT of the paper's kind, but small, that the program takes for one of the paper's."""
    half = (0.5, 0.5, 0.5)

    def build(size):
        kind = {"num_classes": 0, "global_pool": "", **SMALL_VIT}
        network = timm.create_model("vit_base_patch16_224", img_size=size, **kind)
        return TimmBackbone(network, network.num_features)

    monkeypatch.setitem(BACKBONES, "vit_small", BackboneSpec("vit_small", build, half, half, 224))
    size = (SMALL_VIT["embed_dim"], SMALL_VIT["depth"])
    monkeypatch.setitem(csra_layout._VITS, size, "vit_small")
    return SMALL_VIT


@pytest.fixture(params=["small", pytest.param("whole", marks=pytest.mark.slow)])
def vit(request):
    """What makes the ViT of the test from a ViT-B16."""
    return request.getfixturevalue("small_vit") if request.param == "small" else {}


def released_vit(vit, num_heads=8, num_classes=80, size=448):
    """A ViT with the names of the released COCO files, and timm's network that made it."""
    network = random_vit(size, **vit)
    state = dict(network.state_dict())  # head.weight and head.bias are ImageNet's
    for h in range(1, num_heads + 1):
        state[f"head{h}.weight"] = torch.randn(num_classes, network.num_features)
        state[f"head{h}.bias"] = torch.randn(num_classes)
    return state, network


def vit_logits(network, images, *head):
    """Those that the paper's equations give for the features of a ViT."""
    with torch.inference_mode():
        tokens = network.forward_features(images)[:, 1:]
        side = images.shape[-1] // 16
        features = tokens.transpose(1, 2).reshape(len(images), -1, side, side)
        return csra_formula(features, *head)


def test_a_small_vit_follows_the_formula(small_vit, tmp_path):
    network = random_vit(224, **small_vit)
    state = {k: v for k, v in network.state_dict().items() if not k.startswith("head.")}
    weight = torch.randn(14, network.num_features)
    state["classifier.multi_head.0.head.weight"] = weight[:, :, None, None]
    classifier, record = import_checkpoint(saved(tmp_path, state, "vit_lam0.3.pth"))
    assert record.config.preprocess.input_size == 224
    images = torch.rand(2, 3, 224, 224)
    expected = vit_logits(network, images, [weight], PAPER_TEMPERATURES[1], 0.3)
    with torch.inference_mode():
        torch.testing.assert_close(classifier(images).logits, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [224, 448])
def test_the_released_coco_vit_layout_is_recognised(size, vit, tmp_path):
    state, _ = released_vit(vit, size=size)
    assert state["pos_embed"].shape[:2] == (1, 1 + (size // 16) ** 2)
    path = saved(tmp_path, {"model": {f"module.{k}": v for k, v in state.items()}}, "coco_lam1.pth")
    classifier, record = import_checkpoint(path)
    for h in range(1, 9):
        torch.testing.assert_close(classifier.heads.weight[h - 1], state[f"head{h}.weight"])
        torch.testing.assert_close(classifier.heads.bias[h - 1], state[f"head{h}.bias"])
    assert record.config.preprocess.input_size == size
    assert record.config.head == HeadConfig(PAPER_TEMPERATURES[8], 1.0, bias=True)
    assert record.config.categories[0] == "person"
    assert "released COCO ViT" in record.description
    assert "0 to 1" in record.description and record.config.preprocess.std == (1.0, 1.0, 1.0)


def test_the_released_coco_vit_layout_follows_the_formula_with_a_bias_per_head(vit, tmp_path):
    state, network = released_vit(vit)
    path = saved(tmp_path, {"model": {f"module.{k}": v for k, v in state.items()}}, "coco_lam1.pth")
    classifier, record = import_checkpoint(path)
    images = torch.rand(1, 3, 448, 448)
    weights = [state[f"head{h}.weight"] for h in range(1, 9)]
    biases = [state[f"head{h}.bias"] for h in range(1, 9)]
    expected = vit_logits(network, images, weights, PAPER_TEMPERATURES[8], 1.0, biases)
    with torch.inference_mode():
        torch.testing.assert_close(classifier(images).logits, expected, rtol=1e-4, atol=1e-4)
    again = tmp_path / "again_lam1.pth"
    export_official(in_memory(classifier, record), again)
    assert_same_weights(import_checkpoint(again)[0], classifier)
    assert sorted(torch.load(again, weights_only=True)) == sorted(
        set(state) - {"head.weight", "head.bias"}
    )


def assert_holds(classifier, official):
    ours = classifier.backbone.network.state_dict()
    for key, value in official.items():
        if not key.endswith("num_batches_tracked") and not key.startswith("classifier."):
            torch.testing.assert_close(ours[key], value.float(), rtol=0, atol=0)
    head = official["classifier.multi_head.0.head.weight"][:, :, 0, 0].float()
    torch.testing.assert_close(classifier.heads.weight[0], head, rtol=0, atol=0)


def assert_same_weights(one, two):
    first, second = one.state_dict(), two.state_dict()
    assert first.keys() == second.keys()
    for key, value in first.items():
        if not key.endswith("num_batches_tracked"):
            torch.testing.assert_close(value, second[key], rtol=0, atol=0)


@pytest.mark.slow
def test_a_model_survives_import_export_and_import(tmp_path):
    state = resnet_state(18, 2, 14)
    classifier, record = import_checkpoint(saved(tmp_path, state), SMALL)
    export_official(in_memory(classifier, record), tmp_path / "out_lam0.5.pth")
    written = torch.load(tmp_path / "out_lam0.5.pth", weights_only=True)
    assert written.keys() == state.keys()
    assert {k: v.shape for k, v in written.items()} == {k: v.shape for k, v in state.items()}
    again, second = import_checkpoint(tmp_path / "out_lam0.5.pth", SMALL)
    assert second.config == record.config
    assert_same_weights(again, classifier)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: s,
        lambda s: {f"module.{k}": v for k, v in s.items()},
        lambda s: {"state_dict": s, "epoch": 3, "optimizer": {"state": {}, "lr": 0.1}},
        lambda s: {"model": {f"module.{k}": v for k, v in s.items()}},
        lambda s: {k: v.double() if v.is_floating_point() else v for k, v in s.items()},
    ],
    ids=["bare", "parallel", "state_dict", "model", "double"],
)
def test_every_wrapping_gives_the_same_weights(wrap, tmp_path):
    state = resnet_state()
    classifier, record = import_checkpoint(saved(tmp_path, wrap(state)), SMALL)
    assert_holds(classifier, state)
    assert record.config.categories[0] == "aeroplane"


def test_the_layout_of_files_before_2020_opens_too(tmp_path):
    state = resnet_state()
    path = saved(tmp_path, state, _use_new_zipfile_serialization=False)
    assert not path.read_bytes().startswith(b"PK")
    assert_holds(import_checkpoint(path, SMALL)[0], state)


def test_half_precision_weights_become_single_precision(tmp_path):
    half = {k: v.half() if v.is_floating_point() else v for k, v in resnet_state().items()}
    assert_holds(import_checkpoint(saved(tmp_path, half), SMALL)[0], half)


@pytest.mark.slow
def test_what_a_file_is_decides_not_what_it_is_called(tmp_path):
    path = saved(tmp_path, resnet_state(), "misnamed_lam0.3.safetensors")
    checkpoint = open_checkpoint(path)
    assert checkpoint.record.config.head.lam == 0.3
    native = tmp_path / "native.pth"
    save_checkpoint(native, checkpoint.classifier, checkpoint.record)
    assert open_checkpoint(native).id == checkpoint.id == load_checkpoint(native).id


@pytest.mark.slow
def test_official_weights_as_safetensors_open_too(tmp_path):
    state = resnet_state()
    path = tmp_path / "net_lam0.5.safetensors"
    safetensors.torch.save_file(state, path)
    expected = import_checkpoint(saved(tmp_path, state))[0]
    assert_same_weights(open_checkpoint(path).classifier, expected)


@pytest.mark.parametrize("size", [240, 448])
def test_a_vit_made_for_224_runs_at_another_size_with_interpolated_positions(size, vit, tmp_path):
    network = random_vit(224, **vit)
    state = {k: v for k, v in network.state_dict().items() if not k.startswith("head.")}
    state["classifier.multi_head.0.head.weight"] = torch.randn(14, network.num_features, 1, 1)
    path = saved(tmp_path, state, "wider.pth")
    options = ImportOptions(lam=0.3, input_size=size)
    classifier, record = import_checkpoint(path, options)
    positions = classifier.backbone.network.pos_embed
    assert positions.shape == (1, 1 + (size // 16) ** 2, network.num_features)
    torch.testing.assert_close(positions[:, :1], state["pos_embed"][:, :1])
    assert f"interpolated to {size}" in record.description
    with pytest.raises(ConfigError, match="multiple of 16"):
        import_checkpoint(path, ImportOptions(lam=0.3, input_size=450))


def test_lambda_comes_from_the_name_or_the_options_or_is_asked_for(tmp_path):
    path = saved(tmp_path, resnet_state(), "resnet.pth")
    with pytest.raises(CheckpointError, match=r"'resnet.pth' does not say its λ.*--lam"):
        import_checkpoint(path)
    given = ImportOptions(lam=0.25, input_size=64)
    assert import_checkpoint(path, given)[1].config.head.lam == 0.25
    with pytest.raises(ConfigError, match="λ must be"):
        import_checkpoint(path, ImportOptions(lam=-1.0))


def test_lambda_is_read_from_the_names_that_the_authors_give():
    for name, lam in [
        ("resnet101_voc07_head1_lam0.1_94.7.pth", 0.1),
        ("resnet_cutmix_coco_head6_lam0.4_85.6.pth", 0.4),
        ("vit_L16_coco_head8_lam1.pth", 1.0),
        ("LAMBDA=0.5.pth", 0.5),
    ]:
        assert lambda_in(name) == lam
    assert lambda_in("resnet101_coco_83.3.pth") is None
    assert lambda_in("flamingo2.pth") is None
    assert lambda_in("lamp3.pth") is None


@pytest.mark.slow
def test_categories_come_from_the_options_the_file_or_their_number(tmp_path):
    odd = resnet_state(num_classes=3)
    with pytest.raises(CheckpointError, match="3 categories apart and does not say which"):
        import_checkpoint(saved(tmp_path, odd))
    named = ImportOptions(categories=Categories(("x", "y", "z")), name="mine", input_size=64)
    record = import_checkpoint(saved(tmp_path, odd), named)[1]
    assert (tuple(record.config.categories), record.name) == (("x", "y", "z"), "mine")
    inside = saved(tmp_path, {"state_dict": odd, "labels": ["p", "q", "r"]})
    assert tuple(import_checkpoint(inside, SMALL)[1].config.categories) == ("p", "q", "r")
    with pytest.raises(CheckpointError, match="but 2 names are given"):
        import_checkpoint(saved(tmp_path, {"state_dict": odd, "labels": ["p", "q"]}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bn1.bias": None}, "1 weights are missing.*bn1.bias"),
        ({"surplus": torch.zeros(2)}, "1 are unknown.*surplus"),
        ({"conv1.weight": torch.zeros(64, 3, 3, 3)}, r"conv1.weight.*should be \(64, 3, 7, 7\)"),
        ({"conv1.weight": torch.zeros(64, 3)}, "conv1.weight"),
        ({"bn1.running_var": -torch.ones(64)}, "negative variance"),
        ({"bn1.bias": torch.full((64,), math.nan)}, "not numbers"),
        ({"bn1.bias": torch.full((64,), 1e300, dtype=torch.float64)}, "not numbers"),
        ({"bn1.bias": torch.zeros(64, dtype=torch.int8)}, "int8"),
        ({"classifier.multi_head.2.head.weight": torch.zeros(20, 512, 1, 1)}, "gaps"),
        ({"classifier.multi_head.1.head.weight": torch.zeros(9, 512, 1, 1)}, "differ in shape"),
        ({"classifier.multi_head.0.head.weight": torch.zeros(20, 9, 1, 1)}, "should be"),
        ({"classifier.multi_head.0.head.weight": torch.zeros(20, 512, 3, 3)}, "a head has"),
        ({"classifier.multi_head.0.head.weight": torch.zeros(20, 512, 1, 1)}, "not numbers"),
        ({"layer1.2.conv1.weight": torch.zeros(1)}, "not one of the paper's"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_the_reason(change, message, tmp_path):
    state = {**resnet_state(), **change}
    path = saved(tmp_path, {k: v for k, v in state.items() if v is not None})
    with pytest.raises(CheckpointError, match=message) as caught:
        open_checkpoint(path)
    assert path.name in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", list(BACKBONES))
@pytest.mark.parametrize("num_heads", [None, 1, 8])
def test_every_backbone_of_the_paper_is_known_by_names_and_shapes_alone(name, num_heads):
    with torch.device("meta"):
        backbone = build_backbone(name, 448)
        state = backbone.network.state_dict()
        for h in range(num_heads or 0):
            weight = torch.empty(80, backbone.feature_dim, 1, 1)
            state[f"classifier.multi_head.{h}.head.weight"] = weight
    layout = read_layout("x.pth", state)
    assert layout.backbone == name
    assert layout.side == (28 if name.startswith("vit") else None)
    assert (None if layout.weight is None else len(layout.weight)) == num_heads
    assert layout.network.keys() == backbone.network.state_dict().keys()


def test_a_vit_of_another_size_and_positions_without_a_grid_are_refused():
    with torch.device("meta"):
        state = build_backbone("vit_b16", 224).network.state_dict()
        uneven = {**state, "pos_embed": torch.empty(1, 190, 768)}
    with pytest.raises(CheckpointError, match="positions make no square"):
        read_layout("x.pth", uneven)
    shallow = {key: value for key, value in state.items() if not key.startswith("blocks.11.")}
    with pytest.raises(CheckpointError, match="width 768 and depth 11"):
        read_layout("x.pth", shallow)


def test_the_engine_opens_an_official_file_as_it_is(tmp_path):
    path = saved(tmp_path, resnet_state(num_classes=80), "coco_lam0.5.pth")
    engine = LocalEngine("cpu", num_workers=1)
    try:
        info = engine.open_model(str(path))
        photo = resource_path("samples", "cat.jpg")
        (prediction,) = engine.predict(info.id, [photo], PredictConfig(batch_size=1))
    finally:
        engine.close()
    assert (info.name, info.lam, info.input_size) == ("coco_lam0.5", 0.5, 448)
    assert prediction.error is None and prediction.scores.shape == (80,)


def test_three_heads_have_no_temperatures_in_the_paper(tmp_path):
    with pytest.raises(CheckpointError, match="3 heads"):
        import_checkpoint(saved(tmp_path, resnet_state(num_heads=3)))


def test_a_backbone_file_is_recognised(tmp_path):
    network = torchvision.models.resnet18(weights=None)
    path = saved(tmp_path, {"state_dict": network.state_dict()}, "cutmix.pth")
    with pytest.raises(
        CheckpointError, match=r"'cutmix.pth' is a backbone \(resnet18\) without.*New training"
    ) as told:
        import_checkpoint(path)
    assert told.value.options == "csra train --init FILE"


def test_a_model_without_an_official_form_is_not_exported(tmp_path):
    path = tmp_path / "x.pth"
    with pytest.raises(CheckpointError, match=r"no official form.*timm:.*not normalised"):
        export_official(in_memory(tiny_classifier(), tiny_record()), path)
    assert list(tmp_path.iterdir()) == []
