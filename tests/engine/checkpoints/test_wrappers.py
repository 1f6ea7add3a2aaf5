"""Every wrapping of a training script gives the weights of every layout, and says what it was."""

import collections

import pytest
import safetensors.torch
import torch

from engine.api.errors import CheckpointError
from engine.checkpoints.csra_import import ImportOptions, import_checkpoint
from engine.checkpoints.pth_file import read_pth
from engine.checkpoints.wrappers import find_network
from tests.engine.csra_checkpoints import resnet_state

SMALL = ImportOptions(input_size=64)
_HEADS = {f"classifier.multi_head.{h}.head.weight" for h in range(2)}


def tiny(names):
    return {name: torch.full((2,), float(place)) for place, name in enumerate(sorted(names))}


RESNET = tiny({"conv1.weight", "bn1.running_var", "layer1.0.conv1.weight", *_HEADS})
VIT = tiny({"cls_token", "pos_embed", "blocks.0.attn.qkv.weight", "norm.bias", *_HEADS})
RELEASED = tiny({"cls_token", "blocks.0.attn.qkv.weight", "head1.weight", "head1.bias"})
BACKBONE = tiny({"conv1.weight", "layer1.0.conv1.weight", "fc.weight", "fc.bias"})


def mmpretrain(state):
    return {
        key.replace("classifier.multi_head.", "head.csra_heads.")
        if key in _HEADS
        else f"backbone.{key}": value
        for key, value in state.items()
    }


def numbered(state):
    numbers = {"conv1": "0", "bn1": "1", "layer1": "4"}
    named = {}
    for key, value in state.items():
        first, _, rest = key.partition(".")
        named[f"features.{numbers[first]}.{rest}" if first in numbers else key] = value
    return named


LAYOUTS = {
    "resnet": (RESNET, RESNET),
    "vit": (VIT, VIT),
    "released": (RELEASED, RELEASED),
    "backbone": (BACKBONE, BACKBONE),
    "mmpretrain": (mmpretrain(RESNET), RESNET),
    "backbone-and-heads": (
        {k if k in _HEADS else f"backbone.{k}": v for k, v in RESNET.items()},
        RESNET,
    ),
    "numbered": (numbered(RESNET), RESNET),
}


def prefixed(prefix):
    return lambda state: {prefix + key: value for key, value in state.items()}


OPTIMIZER = {"state": {0: {"momentum_buffer": torch.ones(3)}}, "param_groups": [{"lr": 0.1}]}
WRAPPERS = {
    "bare": lambda s: s,
    **{
        name: (lambda s, name=name: {name: s, "epoch": 3, "optimizer": OPTIMIZER})
        for name in (
            *("state_dict", "model", "net", "network", "model_state_dict", "model_state", "params"),
            *("ema", "state_dict_ema", "model_ema", "params_ema", "teacher", "weights", "module"),
            *("generator", "best", "my own name"),
        )
    },
    **{
        prefix: prefixed(prefix)
        for prefix in (
            *("module.", "model.", "_orig_mod.", "net.", "backbone.", "module.model."),
            *("_orig_mod.module.", "module._orig_mod.", "model._orig_mod.module.model."),
            *("ema.module.", "encoder.", "student.backbone.", "a.b.c.d.e."),
        )
    },
    "lightning": lambda s: {
        "state_dict": {**prefixed("model.")(s), "criterion.pos_weight": torch.ones(4)},
        "pytorch-lightning_version": "2.0",
        "optimizer_states": [OPTIMIZER],
        "lr_schedulers": [{"last_epoch": 3}],
        "hyper_parameters": {"lr": 0.1, "names": ["x"]},
        "callbacks": {"ModelCheckpoint": {"best": None}},
    },
    "averaged": lambda s: {"n_averaged": torch.tensor(3), **prefixed("module.")(s)},
    "averaged-nested": lambda s: {"ema": {"module": s, "decay": 0.9, "num": torch.tensor(2)}},
    "deep": lambda s: {"checkpoint": {"run": {"model": {"state_dict": prefixed("module.")(s)}}}},
    "inner-parallel": lambda s: {k.replace("layer1.", "layer1.module."): v for k, v in s.items()},
    "inner-compiled": lambda s: {
        k.replace("blocks.", "blocks._orig_mod."): v for k, v in s.items()
    },
    "counters": lambda s: {
        **s,
        "bn1.num_batches_tracked": torch.tensor(1),
        "total_ops": torch.zeros(1, dtype=torch.float64),
        "epoch": 3,
        "name": "x",
        "best": None,
    },
    "list": lambda s: {"models": [s], "epoch": 3},
    "pair": lambda s: {"model": (s, {"lr": 0.1})},
    "deepspeed": lambda s: {"module": prefixed("_forward_module.model.")(s), "ds_version": "0.1"},
    "beside": lambda s: {**s, "best": torch.tensor(0.3), "lr": torch.tensor(0.1), "steps": 3},
    "optimizer-by-name": lambda s: {
        "optimizer": {"exp_avg": {k: v + 9 for k, v in s.items()}, "step": 3},
        "model": s,
    },
    "frozen": lambda s: {
        **{f"frozen_teacher.{k}": v + 9 for k, v in s.items()},
        **prefixed("model.")(s),
    },
    "ordered": lambda s: collections.OrderedDict(model=collections.OrderedDict(s)),
    "mmengine": lambda s: {"meta": {"epoch": 3, "cfg": "lam=0.1"}, "state_dict": s},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_every_layout_in_every_wrapper_has_its_official_names(wrapper, layout):
    saved, official = LAYOUTS[layout]
    found = find_network(WRAPPERS[wrapper](saved)).tensors
    assert found.keys() == official.keys()
    for key, value in official.items():
        assert found[key] is value


@pytest.mark.parametrize(
    ("one", "two", "where"),
    [
        ("model", "ema", "ema"),
        ("state_dict", "state_dict_ema", "state_dict_ema"),
        ("model_ema", "model", "model_ema"),
        ("student", "teacher", "teacher"),
        ("model", "best", "model"),
    ],
)
@pytest.mark.parametrize("flat", [False, True], ids=["tables", "prefixes"])
@pytest.mark.parametrize("layout", ["resnet", "vit", "mmpretrain"])
def test_of_two_networks_the_averaged_or_first_is_taken_and_the_other_can_be(
    one, two, where, flat, layout
):
    saved, official = LAYOUTS[layout]
    other = {key: value + 100 for key, value in saved.items()}
    content = {one: saved, two: other}
    if flat:
        content = {**prefixed(f"{one}.")(saved), **prefixed(f"{two}.")(other)}
    found = find_network(content)
    assert found.tensors.keys() == official.keys()
    shift = 0 if where == one else 100
    key = "classifier.multi_head.0.head.weight"
    assert torch.equal(found.tensors[key], official[key] + shift)
    note = " ".join(found.notes)
    left = two if where == one else one
    assert f"under '{left}" in note and "--weights" in note
    name = note.partition("--weights ")[2].rstrip(".")
    assert torch.equal(find_network(content, name).tensors[key], official[key] + 100 - shift)
    with pytest.raises(CheckpointError, match=f"no network under 'x', only under .*{one}"):
        find_network(content, "x")


@pytest.mark.parametrize("wanted", [None, "ema_state_dict.backbone"])
def test_mmengine_has_the_averaged_weights_under_the_other_name(wanted):
    saved, official = LAYOUTS["mmpretrain"]
    last = {f"module.{key}": value + 100 for key, value in saved.items()}
    content = {
        "meta": {"epoch": 3},
        "ema_state_dict": {**last, "steps": torch.tensor(3)},
        "state_dict": saved,
    }
    found = find_network(content, wanted)
    assert found.tensors.keys() == official.keys()
    shift = 100 if wanted else 0
    assert torch.equal(found.tensors["conv1.weight"], official["conv1.weight"] + shift)


def test_a_network_with_heads_comes_before_a_backbone_alone():
    found = find_network({"pretrained_ema": BACKBONE, "model": RESNET})
    assert found.tensors.keys() == RESNET.keys()


@pytest.mark.parametrize("layout", ["resnet", "mmpretrain"])
def test_parts_saved_one_by_one_are_put_together(layout):
    saved, official = LAYOUTS[layout]
    heads = {k: v for k, v in saved.items() if "head." in k}
    trunk = {k.removeprefix("backbone."): v for k, v in saved.items() if k not in heads}
    name = "classifier" if layout == "resnet" else "head"
    parts = {"backbone": trunk, name: {k.partition(".")[2]: v for k, v in heads.items()}}
    for content in (parts, {"net": parts, "epoch": 3}):
        assert find_network(content).tensors.keys() == official.keys()


@pytest.mark.parametrize("prefix", ["", "module.", "backbone."])
@pytest.mark.parametrize("key", ["neck.conv.weight", "surplus", "layer1.0.attention.weight"])
def test_weights_that_nobody_knows_are_kept_so_that_they_are_refused(prefix, key):
    found = find_network({**prefixed(prefix)(RESNET), key: torch.ones(2)})
    assert found.tensors.keys() == RESNET.keys() | {key}


def test_a_weight_under_two_names_is_refused():
    with pytest.raises(CheckpointError, match=r"'(.*)' twice, as '\1' and as 'module.\1'"):
        find_network({**RESNET, **prefixed("module.")(RESNET)})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "no weights"),
        ({"optimizer": OPTIMIZER, "epoch": 3}, "optimizer only"),
        (OPTIMIZER, "optimizer only"),
        ({"epoch": 3, "args": {}}, "no weights, only 'epoch', 'args'"),
        ({"conv1.weight": "text"}, "no weights, only 'conv1.weight'"),
        ({3: torch.ones(2)}, "no proper names"),
    ],
)
def test_what_holds_no_network_is_named(content, message):
    with pytest.raises(CheckpointError, match=message):
        find_network(content)


def test_tables_that_hold_themselves_or_each_other_many_times_end():
    table = {}
    table["a"] = table
    table["w"] = torch.ones(1)
    find_network(table)
    inner = {"w": torch.ones(1)}
    for _ in range(6):
        inner = {f"k{n}": inner for n in range(300)}
    find_network(inner)


FILES = {
    "model_state_dict": lambda s: {"epoch": 3, "model_state_dict": s, "optimizer": OPTIMIZER},
    "lightning": WRAPPERS["lightning"],
    "compiled": prefixed("_orig_mod."),
    "mmpretrain": lambda s: {
        "meta": {"epoch": 3, "dataset_meta": {"CLASSES": ("a", "b", "c")}, "cfg": "lam=0.25,\n"},
        "state_dict": {
            k.replace("classifier.multi_head", "head.csra_heads")
            if k.startswith("classifier")
            else f"backbone.{k}": v
            for k, v in s.items()
        },
    },
}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before-2020"])
@pytest.mark.parametrize("wrapper", FILES)
def test_files_of_training_scripts_open(wrapper, legacy, dtype, tmp_path):
    state = {
        k: v.to(dtype) if v.is_floating_point() else v
        for k, v in resnet_state(num_heads=2, num_classes=20).items()
    }
    if wrapper == "mmpretrain":
        heads = {k: v[:3] for k, v in state.items() if k.startswith("classifier")}
        state |= heads
    content = FILES[wrapper](state)
    path = tmp_path / ("net.pth" if wrapper == "mmpretrain" else "net_lam0.5.pth")
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    tensors = read_pth(path).tensors
    assert tensors.keys() == {k for k in state if "num_batches" not in k}
    assert all(tensor.dtype == torch.float32 for tensor in tensors.values())
    if dtype is torch.float32 or legacy:
        return
    classifier, record = import_checkpoint(path, SMALL)
    head = state["classifier.multi_head.1.head.weight"][:, :, 0, 0].float()
    torch.testing.assert_close(classifier.heads.weight[1], head, rtol=0, atol=0)
    if wrapper == "mmpretrain":
        assert tuple(record.config.categories) == ("a", "b", "c")
        assert record.config.head.lam == 0.25
        assert "from the settings in the file" in record.description
        assert "names of mmpretrain" in record.description
    if wrapper != "compiled":
        assert "unwrapped from" in record.description
    if wrapper in ("compiled", "lightning"):
        assert "was taken off" in record.description


@pytest.mark.parametrize("prefix", ["model.", "state_dict.module.", "_orig_mod."])
def test_safetensors_have_the_same_wrappers(prefix, tmp_path):
    state = resnet_state()
    path = tmp_path / "net_lam0.5.safetensors"
    safetensors.torch.save_file(prefixed(prefix)(state), path)
    classifier, record = import_checkpoint(path, SMALL)
    head = state["classifier.multi_head.0.head.weight"][:, :, 0, 0]
    torch.testing.assert_close(classifier.heads.weight[0], head, rtol=0, atol=0)
    assert f"The {prefix!r} before the names of its weights was taken off" in record.description


IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


@pytest.mark.parametrize("scale", [1, 255])
@pytest.mark.parametrize("way", ["buffers", "top", "mmpretrain"])
def test_mean_and_deviation_of_pixels_are_those_of_the_file(way, scale, tmp_path):
    mean, std = (torch.tensor(values) * scale for values in IMAGENET)
    state = resnet_state()
    if way == "mmpretrain":
        cfg = f"data_preprocessor = dict(mean={mean.tolist()}, std={std.tolist()})"
        content = {"meta": {"cfg": cfg}, "state_dict": state}
    else:
        place = "model.normalize." if way == "buffers" else "model."
        buffers = {f"{place}mean": mean.reshape(1, 3, 1, 1), f"{place}std": std}
        content = {**prefixed("model.")(state), **buffers}
    path = tmp_path / "net_lam0.5.pth"
    torch.save(content, path)
    pixels = import_checkpoint(path, SMALL)[1].config.preprocess
    assert pixels.mean == pytest.approx(IMAGENET[0])
    assert pixels.std == pytest.approx(IMAGENET[1])


@pytest.mark.parametrize("value", [torch.zeros(3), torch.ones(4), torch.full((3,), float("nan"))])
def test_a_deviation_that_makes_no_sense_is_refused(value, tmp_path):
    path = tmp_path / "net_lam0.5.pth"
    torch.save({**resnet_state(), "mean": torch.zeros(3), "std": value}, path)
    with pytest.raises(CheckpointError, match="deviation of its pixels"):
        import_checkpoint(path, SMALL)
