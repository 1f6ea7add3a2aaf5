"""Position scores for tests of maps."""

import math
from pathlib import Path

import numpy as np

from engine.api.geometry import Box
from engine.api.values import PositionScores

TEMPERATURES = (1.0, 3.0, math.inf)


def position_scores(values, temperatures=(1.0,), lam=0.3, content=Box.UNIT):
    values = np.asarray(values, dtype=np.float32)
    return PositionScores(Path("x.jpg"), "m", values, temperatures, lam, content, 100, 100)


def some_scores(content=Box.UNIT, activation="sigmoid", seed=0):
    values = np.random.default_rng(seed).normal(size=(3, 4, 5, 6)).astype(np.float32) * 2
    return PositionScores(Path("x"), "m", values, TEMPERATURES, 0.4, content, 100, 90, activation)
