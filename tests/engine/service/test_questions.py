"""Every way to an engine answers the questions that the Protocol asks, in the same words."""

import ast
import inspect

import pytest

from engine.api.errors import ModelError
from engine.api.remote import RemoteEngine
from engine.service.local import LocalEngine
from tests.engine.service.echo import ASKED, QUESTIONS, STREAMS, run_echo
from tests.fakes import FakeEngine


@pytest.fixture(scope="module")
def remote():
    engine = RemoteEngine(run_echo)
    yield engine
    engine.close()


@pytest.mark.parametrize("engine", [LocalEngine, RemoteEngine, FakeEngine])
@pytest.mark.parametrize("name", QUESTIONS)
def test_an_engine_is_asked_as_the_protocol_says(engine, name):
    assert inspect.signature(getattr(engine, name)) == inspect.signature(QUESTIONS[name])
    assert inspect.isgeneratorfunction(getattr(engine, name)) == (name in STREAMS)


@pytest.mark.parametrize("name", ASKED)
def test_every_question_goes_through_the_pipe_as_it_was_asked(remote, name):
    required = [
        parameter.name
        for parameter in inspect.signature(QUESTIONS[name]).parameters.values()
        if parameter.default is parameter.empty and parameter.name != "self"
    ]
    said = asked(lambda: getattr(remote, name)(*required))
    known = (None,) if name == "open_model" else tuple(required)
    if name == "predict":
        assert said == (name, (*required, None), {})
    else:
        assert said == (name, known, {})


def asked(ask):
    """What an engine was asked that fails with it."""
    with pytest.raises(ModelError) as failed:
        list(ask())
    return ast.literal_eval(str(failed.value))


def test_what_is_asked_by_name_arrives_by_name(remote):
    said = asked(lambda: remote.explain("m", "photo", input_size=96))
    assert said == ("explain", ("m", "photo"), {"input_size": 96})
