"""Backbones from the files of others: every layout, each tensor, and nothing else."""

import pickle

import pytest
import safetensors.torch
import timm
import torch
import torchvision

from engine.api.errors import CheckpointError
from engine.checkpoints import backbone_files
from engine.checkpoints.backbone_files import read_backbone
from engine.checkpoints.pth_file import PthFile
from engine.models.registry import build_backbone


@pytest.fixture(scope="module")
def state():
    """The weights of a ResNet-18, all of them random, statistics of norms too."""
    torch.manual_seed(3)
    found = torchvision.models.resnet18(weights=None).state_dict()
    for name, tensor in found.items():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5) if name.endswith("var") else tensor.normal_()
    return found


def prefixed(state, before):
    return {before + name: tensor for name, tensor in state.items()}


def without(state, *starts):
    return {name: tensor for name, tensor in state.items() if not name.startswith(starts)}


def numbered(state):
    numbers = {"conv1": "0", "bn1": "1", **{f"layer{i}": str(3 + i) for i in range(1, 5)}}
    parts = ((name.partition("."), tensor) for name, tensor in state.items())
    return {f"{numbers[p[0]]}.{p[2]}": t for p, t in parts if p[0] in numbers}


LAYOUTS = {
    "as torchvision and timm save it": lambda s: s,
    "without a classifier": lambda s: without(s, "fc."),
    "from several cards": lambda s: prefixed(s, "module."),
    "the authors' CutMix file": lambda s: {
        "epoch": 300,
        "arch": "resnet",
        "state_dict": prefixed(s, "module."),
        "best_err1": torch.tensor(20.2),
        "optimizer": {"state": {0: {"momentum_buffer": torch.ones(3)}}, "param_groups": [{}]},
    },
    "a table of timm's train.py": lambda s: {"arch": "resnet18", "state_dict": s, "metric": 1.0},
    "under model": lambda s: {"model": s, "epoch": 3},
    "of Lightning": lambda s: {"state_dict": prefixed(s, "model.backbone.")},
    "of a contrastive pre-training": lambda s: {
        "state_dict": prefixed(without(s, "fc."), "module.encoder_q.")
    },
    "in a sequence": numbered,
}


def assert_arrived(found, state):
    """Each tensor of the backbone, to the bit, under its own name."""
    wanted = {n: t for n, t in state.items() if not n.startswith("fc.")}
    wanted = {n: t for n, t in wanted.items() if not n.endswith("num_batches_tracked")}
    assert found.keys() == wanted.keys()
    assert [n for n, t in wanted.items() if not torch.equal(found[n], t)] == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_tensor_of_every_layout_arrives(tmp_path, state, layout):
    torch.save(LAYOUTS[layout](state), tmp_path / "weights.pth")
    found = read_backbone(tmp_path / "weights.pth", "timm:tf_efficientnet_lite0")
    assert found.backbone == "resnet18"
    assert_arrived(found.tensors, state)


@pytest.mark.parametrize("before", ["", "module.backbone."])
def test_every_tensor_of_safetensors_arrives(tmp_path, state, before):
    safetensors.torch.save_file(prefixed(state, before), tmp_path / "weights.safetensors")
    assert_arrived(read_backbone(tmp_path / "weights.safetensors").tensors, state)


def test_the_layout_of_old_versions_of_pytorch_is_read(tmp_path, state):
    torch.save(state, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert_arrived(read_backbone(tmp_path / "old.pt").tensors, state)


def test_a_csra_model_gives_its_backbone(tmp_path, state):
    heads = {"classifier.multi_head.0.head.weight": torch.ones(20, 512, 1, 1)}
    torch.save(without(state, "fc.") | heads, tmp_path / "model.pth")
    assert_arrived(read_backbone(tmp_path / "model.pth").tensors, state)


def test_any_network_of_timm_is_a_start_once_it_is_named(tmp_path):
    network = timm.create_model("mobilenetv3_small_050")
    torch.save({"state_dict": prefixed(network.state_dict(), "module.net.")}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=r"no ResNet or vision .*--backbone timm:NAME\.$"):
        read_backbone(tmp_path / "x.pth")
    name = "timm:mobilenetv3_small_050"
    found = read_backbone(tmp_path / "x.pth", name)
    assert found.backbone == name
    own = build_backbone(name, 64).network.state_dict()
    assert {n for n in own if not n.endswith("tracked")} == found.tensors.keys()
    truth = network.state_dict()
    assert all(torch.equal(tensor, truth[n]) for n, tensor in found.tensors.items())


def test_a_named_network_that_the_file_is_not_of_is_told_with_the_reason(tmp_path):
    torch.save({"a.weight": torch.ones(2, 2)}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=r"not 'resnet18' either: 'conv1.weight' is missing"):
        read_backbone(tmp_path / "x.pth", "resnet18")


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        lambda s: without(s, "layer3.1.bn2"),
        lambda s: s | {"layer1.0.conv1.weight": torch.ones(64, 64, 1, 1)},
        lambda s: s | {"layer1.0.se.fc1.weight": torch.ones(4, 64, 1, 1)},
    ],
    ids=["a norm is missing", "a shape is another", "there is more than a ResNet has"],
)
def test_weights_that_are_nearly_a_resnet_are_refused_in_one_line(tmp_path, state, change):
    torch.save(change(state), tmp_path / "nearly.pth")
    with pytest.raises(CheckpointError, match=r"'nearly.pth' is no start") as told:
        read_backbone(tmp_path / "nearly.pth")
    assert "\n" not in str(told.value)


class Runs:
    """Writes a file when it is unpickled."""

    def __init__(self, target):
        self.target = str(target)

    def __reduce__(self):
        return open, (self.target, "w")


def test_nothing_in_a_file_can_run_code(tmp_path, state):
    ran = tmp_path / "ran"
    torch.save({"state_dict": state, "extra": Runs(ran)}, tmp_path / "bad.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps({"state_dict": Runs(ran)}))
    for name in ("bad.pth", "plain.pth"):
        with pytest.raises(CheckpointError, match=name):
            read_backbone(tmp_path / name)
    assert not ran.exists()


# Vision transformers, as shapes alone where whole ones are asked for: they have a gigabyte.


def read_shapes(monkeypatch, tmp_path, state):
    tensors = {n: t for n, t in state.items() if not n.endswith("num_batches_tracked")}
    file = PthFile(tensors, None, None, None, ())
    monkeypatch.setattr(backbone_files, "read_csra_checkpoint", lambda path: file)
    return read_backbone(tmp_path / "x.pth")


def on_meta(make):
    with torch.device("meta"):
        return make().state_dict()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (torchvision.models.vit_b_16, "vit_b16"),
        (torchvision.models.vit_b_32, "timm:vit_base_patch32_224"),
        (lambda: timm.create_model("vit_tiny_patch16_384"), "timm:vit_tiny_patch16_224"),
        (torchvision.models.resnext101_32x8d, "timm:resnext101_32x8d"),
        (lambda: timm.create_model("resnet50d"), "timm:resnet50d"),
    ],
)
def test_the_networks_of_torchvision_and_timm_are_told_by_their_weights(
    monkeypatch, tmp_path, make, name
):
    found = read_shapes(monkeypatch, tmp_path, on_meta(make))
    assert found.backbone == name
    own = on_meta(lambda: build_backbone(name, 224).network)
    assert found.tensors.keys() == {n for n in own if not n.endswith("num_batches_tracked")}


@pytest.mark.parametrize(
    "name", ["vit_base_patch16_clip_224", "deit3_small_patch16_224", "vit_base_patch16_siglip_224"]
)
def test_a_transformer_that_is_not_plain_is_not_taken_for_one(monkeypatch, tmp_path, name):
    state = on_meta(lambda: timm.create_model(name))
    with pytest.raises(CheckpointError, match=r"is no start|positions make no square"):
        read_shapes(monkeypatch, tmp_path, state)


def test_torchvisions_transformer_computes_the_same_under_timms_names():
    torch.manual_seed(0)
    theirs = torchvision.models.VisionTransformer(32, 16, 2, 2, 24, 48, num_classes=5).eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    ours = timm.models.VisionTransformer(
        32, 16, num_classes=5, embed_dim=24, depth=2, num_heads=2, mlp_ratio=2
    ).eval()
    ours.load_state_dict(backbone_files._of_timm(prefixed(theirs.state_dict(), "module.")))
    images = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), theirs(images), atol=1e-5, rtol=1e-5)
