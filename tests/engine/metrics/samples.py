"""Random scores that know something of random truth."""

import numpy as np


def sample(seed, num_images=60, num_categories=4, ignored_share=0.0, decimals=None):
    """Scores (float64), targets and ignored of images; ``decimals`` rounds, which makes ties."""
    generator = np.random.default_rng(seed)
    targets = generator.random((num_images, num_categories)) < 0.3
    targets[0] = True
    noise = generator.normal(size=targets.shape)
    scores = 1.0 / (1.0 + np.exp(-(noise + 2.0 * targets - 1.0)))
    if decimals is not None:
        scores = scores.round(decimals)
    ignored = generator.random(targets.shape) < ignored_share
    ignored[0] = False
    return scores, targets & ~ignored, ignored
