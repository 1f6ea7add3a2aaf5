"""An engine that fails at each question with the question, without anything that loads slowly.

Its process imports this module: in that of the tests, it would load PyTorch and take seconds.
"""

import inspect

from engine.api.engine import TaggingEngine
from engine.api.errors import ModelError
from engine.api.remote import serve

QUESTIONS = {
    name: question
    for name, question in inspect.getmembers(TaggingEngine, inspect.isfunction)
    if not name.startswith("_")
}
STREAMS = {"predict", "evaluate", "quantize", "train", "teach"}
ASKED = sorted(QUESTIONS.keys() - {"close"})


def echo(name):
    def answer(self, *args, **kwargs):
        raise ModelError(repr((name, args, kwargs)))

    def stream(self, *args, **kwargs):
        yield from ()
        answer(self, *args, **kwargs)

    return stream if name in STREAMS else answer


EchoEngine = type(
    "EchoEngine", (), {name: echo(name) for name in ASKED} | {"close": lambda self: None}
)


def run_echo(connection):
    serve(connection, EchoEngine)
