"""Shares of an evaluation are, put together, to the bit what one process finds."""

import contextlib

import numpy as np
import pytest

from engine.api.config import EvaluateConfig
from engine.api.evaluation import EvaluationRequest
from engine.cluster.model_copy import ModelCopy
from engine.cluster.share_evaluator import EvaluationOrder, ShareEvaluator, packed, unpacked
from engine.evaluation.evaluator import merged
from engine.records.evaluations import dataset_hash
from engine.service.local import LocalEngine
from tests.engine.cluster.photos import write_photos
from tests.engine.tiny_models import TINY_CATEGORIES, save_tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("model") / "tiny.safetensors")


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A list of eleven images of three categories; one of them is torn."""
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path / "own"))
    folder = tmp_path / "data" / "test"
    lines = [
        f"{path.name},{TINY_CATEGORIES[place % 3]}"
        for place, path in enumerate(write_photos(folder, 11))
    ]
    (folder / "metadata.csv").write_text("file_name,labels\n" + "\n".join(lines) + "\n")
    return tmp_path / "data"


def order(work, model, *, id_=None, **change):
    values = {
        "request": work.request,
        "model": ModelCopy(str(model), id_ or work.model.weights.id, None),
        "dataset": dataset_hash(work.images),
        "shares": 3,
        "device": "cpu",
        "backend": "torch",
        "precision": "float",
        "cpus": 99.0,
    }
    return EvaluationOrder(**{**values, **change})


@pytest.fixture
def work(data, model):

    config = EvaluateConfig(batch_size=2)
    request = EvaluationRequest("imagefolder", data, "test", str(model), config)
    with LocalEngine("cpu", 1, "torch") as engine, engine.evaluation(request) as found:
        yield found, engine.pool


def alone(work, pool):
    run = work.evaluator.run(pool)
    while True:
        try:
            next(run)
        except StopIteration as end:
            return end.value


def test_shares_put_together_have_the_bits_of_one_process(work, model):
    work, pool = work
    whole = merged([alone(work, pool)], work.images)
    with contextlib.closing(ShareEvaluator(order(work, model))) as evaluator:
        told = evaluator({"task": np.array([2, 0, 1])})
    assert told["refused"] == ["", "", ""] and told["task"] == [2, 0, 1]
    together = merged([unpacked(share) for share in told["share"]], work.images)
    assert np.array_equal(together.logits, whole.logits) and len(whole.rows) == 10
    assert np.array_equal(together.rows, whole.rows)
    assert together.failed == whole.failed and len(whole.failed) == 1
    assert together.localisation == whole.localisation


@pytest.mark.parametrize(
    ("change", "said"),
    [({"dataset": "other"}, "other images"), ({"id_": "another"}, "another model")],
)
def test_a_machine_that_sees_something_else_says_so(work, model, change, said):
    work, _ = work
    with contextlib.closing(ShareEvaluator(order(work, model, **change))) as evaluator:
        assert said in evaluator({"task": np.array([0])})["refused"][0]


def test_a_share_comes_back_from_its_bytes(work):
    work, pool = work
    share = alone(work, pool)
    back = unpacked(packed(share))
    assert np.array_equal(back.logits, share.logits) and back.failed == share.failed
    assert back.logits.dtype == np.float32 and back.localisation == share.localisation
