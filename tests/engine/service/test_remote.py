import gc
import os
import pickle
import signal
import struct
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from engine.api import remote, wire
from engine.api.categories import Categories
from engine.api.errors import EngineStoppedError, ImageError, MemoryShortError, ModelError
from engine.api.evaluation import EvaluationProgress, EvaluationRequest
from engine.api.geometry import Box
from engine.api.remote import RemoteEngine, serve
from engine.api.values import ModelInfo, PositionScores, Prediction

TIMEOUT_S = 20
CATEGORIES = Categories(("cat", "dog", "tree", "boat", "person"))


class RunsACommand:
    """What an ordinary unpickling would run."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def framed(message):
    return struct.pack("!i", len(message)) + message


#: What a process sends that a model's file has taken over, by the photo's name.
RAW = {
    "pickle.jpg": lambda path: framed(pickle.dumps(RunsACommand(path.with_name("marker")))),
    "huge.jpg": lambda path: struct.pack("!iQ", -1, 1 << 60),
    "turn.jpg": lambda path: framed(wire.to_bytes(("value", "first", None))),
    "text.jpg": lambda path: framed(wire.to_bytes("value")),
}


class ChildEngine:
    """A small engine that lives in the child process and misbehaves when a path asks it to."""

    def __init__(self):
        self.opened = []

    def open_model(self, source=None):
        if source == "missing":
            raise ModelError("There is no such model.")
        if source == "slow":
            threading.Event().wait(1)
        self.opened.append(source)
        return ModelInfo(f"id-{source}", "child", None, CATEGORIES, (1.0,), 0.1, 64, "none")

    def predict(self, model_id, paths, config=None):
        if f"id-{self.opened[-1]}" != model_id:
            raise ModelError("This model is not open.")
        try:
            for path in paths:
                if path.name.startswith("die"):
                    os.kill(os.getpid(), signal.SIGKILL)
                if path.name == "abort.jpg":
                    os.abort()
                if path.name == "stop.jpg":
                    os.kill(os.getpid(), signal.SIGSTOP)
                if path.name == "loop.jpg":
                    threading.Event().wait()
                if path.name == "once.jpg" and not path.exists():
                    path.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
                if path.name in RAW:
                    pipe = next(x for x in gc.get_objects() if type(x) is Connection)
                    os.write(pipe.fileno(), RAW[path.name](path))
                    threading.Event().wait()
                if path.name == "odd.jpg":
                    yield object()
                if path.name == "bug.jpg":
                    raise ZeroDivisionError("deep inside")
                room = 1 << 50 if path.name == "hungry.jpg" else 5
                yield Prediction(path, model_id, np.full(room, os.getpid(), np.float32))
        finally:
            if paths[0].name.startswith("closed"):
                Path(paths[0]).write_text("closed")

    def explain(self, model_id, path, hidden=None, input_size=None):
        if path.name == "wait.jpg":
            threading.Event().wait()
        if path.name == "die.jpg":
            os.kill(os.getpid(), signal.SIGKILL)
        if path.name == "bad.jpg":
            raise ImageError("The file is damaged.")
        values = np.zeros((1, 5, 2, 2), np.float32)
        size = input_size or 10
        return PositionScores(path, model_id, values, (1.0,), 0.1, hidden or Box.UNIT, size, size)

    def evaluate(self, request):
        for done in range(6):
            if done == request.limit:
                threading.Event().wait(None if done > 2 else 2)
            yield EvaluationProgress(done, 5)

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


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
def test_ctrl_c_is_not_for_the_child_however_young_it_is(engine):
    engine.warm_up()  # its process begins, and has not got as far as any line of ours
    process = engine._child._process
    os.kill(process.pid, signal.SIGINT)
    info = engine.open_model("a")
    os.kill(process.pid, signal.SIGINT)
    [prediction] = engine.predict(info.id, [Path("0.jpg")])
    assert prediction.error is None and engine._child._process is process


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


def test_memory_that_runs_out_in_the_child_is_said_in_words(engine):
    info = engine.open_model("a")
    with pytest.raises(MemoryShortError, match="too little memory"):
        list(engine.predict(info.id, [Path("hungry.jpg")]))
    assert len(list(engine.predict(info.id, [Path("a.jpg")]))) == 1


@pytest.mark.slow
def test_a_first_answer_that_is_long_in_coming_is_waited_for(engine, monkeypatch):
    monkeypatch.setattr(remote, "_ASK_AFTER_S", 0.2)
    assert engine.open_model("slow").id == "id-slow"


def test_an_answer_that_must_not_cross_is_said_to_be_a_bug(engine):
    info = engine.open_model("a")
    with pytest.raises(RuntimeError, match=r"object must not cross"):
        list(engine.predict(info.id, [Path("odd.jpg")]))


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
    first = next(engine.predict(info.id, [Path("a.jpg"), Path("b.jpg")]))
    with pytest.raises(EngineStoppedError, match="stopped unexpectedly"):
        engine.explain(info.id, Path("die.jpg"))
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


def outcomes(engine, *names):
    """By name, whether a photo has scores; and all that was said meanwhile."""
    info = engine.open_model("a")
    found = list(engine.predict(info.id, [Path(name) for name in names]))
    assert [one.path.name for one in found] == [Path(name).name for name in names]
    notes = [one.note for one in found if one.note]
    return {one.path.name: one.error is None for one in found}, notes


def test_a_photo_at_which_the_process_dies_is_left_out_and_all_others_are_tagged(engine):
    tagged, notes = outcomes(engine, "a.jpg", "b.jpg", "die.jpg", "c.jpg", "d.jpg")
    assert tagged == {"a.jpg": True, "b.jpg": True, "die.jpg": False, "c.jpg": True, "d.jpg": True}
    assert len(notes) == 1
    assert "started again" in notes[0]


def test_a_process_that_dies_once_costs_no_photo(engine, tmp_path):
    once = str(tmp_path / "once.jpg")
    assert all(outcomes(engine, "a.jpg", once, "b.jpg")[0].values())


def test_a_process_that_dies_at_every_photo_is_not_started_for_ever(engine):
    info = engine.open_model("a")
    paths = [Path(f"die{i}.jpg") for i in range(50)]
    predictions = engine.predict(info.id, paths)
    with pytest.raises(EngineStoppedError, match="several photos in a row"):
        for _ in paths:
            assert next(predictions).error is not None
    assert engine.explain(info.id, Path("x.jpg")).path == Path("x.jpg")


@pytest.mark.slow
def test_a_crash_in_code_of_c_is_survived_too(engine):
    tagged, _ = outcomes(engine, "a.jpg", "abort.jpg", "b.jpg")
    assert tagged == {"a.jpg": True, "abort.jpg": False, "b.jpg": True}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["stop.jpg", "loop.jpg"])
def test_a_process_that_stands_still_is_ended_and_the_others_are_tagged(
    engine, monkeypatch, caplog, name
):
    monkeypatch.setattr(remote, "_ASK_AFTER_S", 0.5)
    monkeypatch.setattr(remote, "_SILENT_S", 8.0)
    monkeypatch.setattr(remote, "_PATIENCE_S", 10.0)
    tagged, _ = outcomes(engine, "a.jpg", name, "b.jpg")
    assert tagged == {"a.jpg": True, name: False, "b.jpg": True}
    assert "did not answer" in caplog.text


@pytest.mark.slow
def test_an_evaluation_that_answers_and_gets_no_further_is_ended(engine, monkeypatch, caplog):
    monkeypatch.setattr(remote, "_ASK_AFTER_S", 0.1)
    monkeypatch.setattr(remote, "_LONG_S", 1.0)
    seen = []
    with pytest.raises(EngineStoppedError, match="got no further"):
        list(evaluated(engine, 4, seen))
    assert seen == [0, 1, 2, 3]
    assert "did not answer" in caplog.text
    assert len(list(evaluated(engine, 9, []))) == 6  # the next one has a process


@pytest.mark.slow
def test_an_evaluation_may_read_its_images_for_as_long_as_it_takes(engine, monkeypatch):
    monkeypatch.setattr(remote, "_ASK_AFTER_S", 0.1)
    monkeypatch.setattr(remote, "_LONG_S", 1.0)
    assert len(list(evaluated(engine, 1, []))) == 6


def evaluated(engine, held_at, seen):
    for value in engine.evaluate(EvaluationRequest("folder", Path("x"), "all", limit=held_at)):
        seen.append(value.done)
        yield value


@pytest.mark.parametrize(
    "name",
    ["pickle.jpg", *(pytest.param(name, marks=pytest.mark.slow) for name in [*RAW][1:])],
)
def test_nothing_that_the_process_sends_is_believed_and_the_others_are_tagged(
    engine, tmp_path, caplog, name
):
    tagged, _ = outcomes(engine, "a.jpg", str(tmp_path / name), "b.jpg")
    assert tagged == {"a.jpg": True, name: False, "b.jpg": True}
    assert "The engine was ended: it sent" in caplog.text
    assert not (tmp_path / "marker").exists()
