"""State dicts as the official code saves them, and the paper's equations once more."""

import functools
import json

import numpy as np
import timm
import torch
import torchvision


def by_formula(name, shape):
    """A tensor from its name alone, as golden/README.md describes."""
    if not shape:
        return torch.tensor(0)
    count = int(np.prod(shape))
    h = float(sum((i + 1) * ord(c) for i, c in enumerate(name)))
    x = np.sin(12.9898 * np.arange(count, dtype=np.float64) + 78.233 * h) * 43758.5453
    u = x - np.floor(x) - 0.5
    if name.endswith("running_var"):
        values = u + 1
    elif name.endswith("running_mean"):
        values = 0.1 * u
    elif len(shape) == 1:
        values = 0.2 * u + 1 if name.endswith("weight") else 0.1 * u
    else:
        values = u * 2 * np.sqrt(3 / (count / shape[0]))
    return torch.from_numpy(values.reshape(shape).astype(np.float32))


def golden_state(keys_file):
    return {
        name: by_formula(name, shape) for name, shape in json.loads(keys_file.read_text()).items()
    }


def golden_images(size):
    a = np.arange(2 * 3 * size * size, dtype=np.float64)
    pixels = 0.5 * np.sin(0.61803 * a) + 0.5
    return torch.from_numpy(pixels.reshape(2, 3, size, size).astype(np.float32))


def csra_formula(features, weights, temperatures, lam, biases=None):
    """The paper's equations, head by head, for features (B, D, h, w) → logits (B, C)."""
    total = 0.0
    for h, temperature in enumerate(temperatures):
        unit = weights[h] / weights[h].pow(2).sum(1, keepdim=True).sqrt()
        scores = torch.einsum("cd,bdhw->bchw", unit, features).flatten(2)
        if biases is not None:
            scores = scores + biases[h][None, :, None]
        if temperature == float("inf"):
            attended = scores.max(2).values
        else:
            attended = (scores * (temperature * scores).softmax(2)).sum(2)
        total = total + scores.mean(2) + lam * attended
    return total


def resnet_state(depth=18, num_heads=1, num_classes=20):
    """A ResNet-CSRA state dict with random weights, made by torchvision; not to be written into."""
    return dict(_resnet_state(depth, num_heads, num_classes))


@functools.cache
def _resnet_state(depth, num_heads, num_classes):
    torch.manual_seed(depth)
    network = getattr(torchvision.models, f"resnet{depth}")(weights=None)
    state = {k: v for k, v in network.state_dict().items() if not k.startswith("fc.")}
    for h in range(num_heads):
        state[f"classifier.multi_head.{h}.head.weight"] = torch.randn(
            num_classes, network.fc.in_features, 1, 1
        )
    return state


#: What makes a ViT-B16 small: as many parts, each of them little.
SMALL_VIT = {"embed_dim": 64, "depth": 2, "num_heads": 2}


def random_vit(size, **changes):
    """A ViT-B16 of timm with ImageNet's classifier, filled faster than timm does it."""
    with torch.device("meta"):
        network = timm.create_model("vit_base_patch16_224", img_size=size, **changes)
    network.to_empty(device="cpu").requires_grad_(requires_grad=False)
    torch.manual_seed(3)
    for name, weight in network.named_parameters():
        spread = 1.7 / weight[0].numel() ** 0.5 if weight.ndim > 1 else 0.1
        weight.uniform_(-spread, spread)
        if "norm" in name and name.endswith("weight"):
            weight.add_(1.0)
    return network.eval()
