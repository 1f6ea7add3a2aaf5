"""Grad-CAM on the features that our heads read, and a network as Grad-CAM's package wants it."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.api.values import DecodedImage, FloatArray
from engine.models.classifier import Classifier

#: Input (1, 3, S, S) and category → map (S, S), 0 to 1.
PackageCam = Callable[[Tensor, int], NDArray[np.float32]]


class Logits(nn.Module):
    """A classifier that gives logits alone."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) → (B, C)."""
        logits: Tensor = self.classifier(images).logits
        return logits


def package_cam(classifier: Classifier, *, whole: bool) -> PackageCam:
    """Grad-CAM of the package pytorch-grad-cam, with the backbone's output as target layer.

    Args:
        classifier: gets hooks, and changes which of its weights ask for gradients.
        whole: all weights ask for gradients, as after loading any model; otherwise only the last
            of the backbone, so that the backward pass ends at the target layer.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pytorch_grad_cam import GradCAM
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    for parameter in classifier.parameters():
        parameter.requires_grad_(requires_grad=whole)
    for parameter in list(classifier.backbone.parameters())[-2:]:
        parameter.requires_grad_(requires_grad=True)
    model = Logits(classifier).to(memory_format=torch.channels_last)
    cam = GradCAM(model=model, target_layers=[classifier.backbone])
    return lambda pixels, category: cam(pixels, targets=[ClassifierOutputTarget(category)])[0]


def cams_of_features(classifier: Classifier, features: Tensor) -> Callable[[int], FloatArray]:
    """Grad-CAM by its definition, without running the backbone again.

    Selvaraju et al. 2017: channels weighted by the mean over positions of the logit's gradient,
    added, negative values cut off.

    Args:
        classifier: in evaluation mode.
        features: (1, D, h, w) of one photo.

    Returns:
        Category → map (h, w).
    """
    leaf = features.detach().requires_grad_(requires_grad=True)
    logits = classifier.heads(leaf).logits[0]

    def cam(category: int) -> FloatArray:
        (gradient,) = torch.autograd.grad(logits[category], leaf, retain_graph=True)
        weights = gradient.mean(dim=(2, 3), keepdim=True)
        values: FloatArray = (weights * leaf.detach()).sum(dim=1).clamp_min(0.0)[0].numpy()
        return values

    return cam


def as_input(image: DecodedImage, classifier: Classifier) -> Tensor:
    """The network's normalised input: (1, 3, S, S)."""
    preprocess = classifier.config.preprocess
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (preprocess.mean, preprocess.std))
    images = torch.from_numpy(image.pixels[None]).permute(0, 3, 1, 2).float() / 255.0
    return ((images - mean) / std).contiguous(memory_format=torch.channels_last)
