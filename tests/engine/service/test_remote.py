import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from engine.api.categories import Categories
from engine.api.errors import EngineStoppedError, ImageError, ModelError
from engine.api.geometry import Box
from engine.api.remote import RemoteEngine, serve
from engine.api.values import ModelInfo, PositionScores, Prediction

TIMEOUT_S = 20
CATEGORIES = Categories(("cat", "dog", "tree", "boat", "person"))


class ChildEngine:
    """A small engine that lives in the child process and misbehaves when a path asks it to."""

    def __init__(self):
        self.opened = []

    def open_model(self, source=None):
        if source == "missing":
            raise ModelError("There is no such model.")
        self.opened.append(source)
        return ModelInfo(f"id-{source}", "child", None, CATEGORIES, (1.0,), 0.1, 64, "none")

    def predict(self, model_id, paths, config=None):
        if f"id-{self.opened[-1]}" != model_id:
            raise ModelError("This model is not open.")
        try:
            for path in paths:
                if path.name == "die.jpg":
                    os.kill(os.getpid(), signal.SIGKILL)
                if path.name == "bug.jpg":
                    raise ZeroDivisionError("deep inside")
                yield Prediction(path, model_id, np.full(5, os.getpid(), np.float32))
        finally:
            if paths[0].name.startswith("closed"):
                Path(paths[0]).write_text("closed")

    def explain(self, model_id, path, hidden=None, input_size=None):
        if path.name == "wait.jpg":
            threading.Event().wait()
        if path.name == "bad.jpg":
            raise ImageError("The file is damaged.")
        values = np.zeros((1, 5, 2, 2), np.float32)
        size = input_size or 10
        return PositionScores(path, model_id, values, (1.0,), 0.1, hidden or Box.UNIT, size, size)

    def close(self):
        pass


def run_child(connection):
    serve(connection, ChildEngine)


@pytest.fixture
def engine():
    engine = RemoteEngine(run_child)
    yield engine
    engine.close()


def until(condition):
    """Wait for something another process does; fail after a while."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        threading.Event().wait(0.01)


def test_values_come_back_from_another_process_in_order(engine):
    info = engine.open_model("a")
    paths = [Path(f"{i}.jpg") for i in range(100)]
    predictions = list(engine.predict(info.id, paths))
    assert [p.path for p in predictions] == paths
    assert predictions[0].scores[0] not in (0, os.getpid())


def test_expected_errors_arrive_as_they_are(engine):
    with pytest.raises(ModelError, match="no such model"):
        engine.open_model("missing")
    info = engine.open_model("a")
    with pytest.raises(ImageError, match="damaged"):
        engine.explain(info.id, Path("bad.jpg"))


def test_a_bug_in_the_child_carries_its_traceback(engine):
    info = engine.open_model("a")
    with pytest.raises(RuntimeError, match=r"(?s)ZeroDivisionError.*deep inside"):
        list(engine.predict(info.id, [Path("bug.jpg")]))


def test_closing_the_generator_closes_the_one_in_the_child(engine, tmp_path):
    info = engine.open_model("a")
    first = tmp_path / "closed.jpg"
    predictions = engine.predict(info.id, [first, Path("b.jpg"), Path("c.jpg")])
    next(predictions)
    predictions.close()
    until(lambda: first.exists() and first.read_text() == "closed")


def test_calls_are_answered_while_another_one_runs(engine):
    info = engine.open_model("a")
    predictions = engine.predict(info.id, [Path("a.jpg"), Path("b.jpg")])
    next(predictions)
    assert engine.explain(info.id, Path("x.jpg")).path == Path("x.jpg")
    part = Box(0.1, 0.2, 0.3, 0.4)
    there = engine.explain(info.id, Path("x.jpg"), part, 96)
    assert (there.content, there.width) == (part, 96)  # both went to the child and back
    assert next(predictions).path == Path("b.jpg")
    predictions.close()


def test_after_a_crash_the_next_call_runs_in_a_new_process_with_the_same_models(engine):
    info = engine.open_model("a")
    predictions = engine.predict(info.id, [Path("a.jpg"), Path("die.jpg")])
    first = next(predictions)
    with pytest.raises(EngineStoppedError, match="stopped unexpectedly"):
        next(predictions)
    again = list(engine.predict(info.id, [Path("a.jpg")]))
    assert again[0].scores[0] != first.scores[0]


def test_close_ends_a_call_that_waits_for_ever(engine):
    info = engine.open_model("a")
    failures = []

    def wait():
        try:
            engine.explain(info.id, Path("wait.jpg"))
        except EngineStoppedError as error:
            failures.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    engine.explain(info.id, Path("x.jpg"))  # by now the other call has been sent or is about to be
    engine.close()
    waiting.join(TIMEOUT_S)
    assert len(failures) == 1


def test_a_process_that_is_slow_to_die_is_left_to_the_system(engine, monkeypatch):
    monkeypatch.setattr("engine.api.remote._STOP_TIMEOUT_S", 0.05)
    engine.open_model("x")
    process = engine._child._process
    os.kill(process.pid, signal.SIGSTOP)  # so it is alive whatever it is asked
    for name in ("terminate", "kill"):
        monkeypatch.setattr(process, name, lambda: None)
    monkeypatch.setattr(engine._child, "_stop_timeout_s", 0.05)
    engine.close()
    assert process.is_alive()
    monkeypatch.undo()
    process.kill()
    process.join()


def test_a_closed_engine_says_so(engine):
    engine.open_model("a")
    engine.close()
    engine.close()
    with pytest.raises(EngineStoppedError, match="closed"):
        engine.open_model("a")


def test_names_that_are_not_utf8_cross_the_border(engine):
    info = engine.open_model("a")
    path = Path(os.fsdecode(b"bad\xff\xfe.jpg"))
    assert next(engine.predict(info.id, [path])).path == path
