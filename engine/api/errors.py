"""Errors that a person can do something about.

The message of each says what happened and what to do, in plain words; it is shown as it is, in the
window and on the command line, which adds the options to type. Anything else that is raised is a
bug.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from engine.api.passing import MEMORY_SHORT

#: What a file of others may not say of itself.
Fact = Literal["lam", "categories", "pixels", "input size", "output"]


class EngineError(Exception):
    """Something expected went wrong; the message says what happened and what to do.

    Attributes:
        options: what to type to do that, for the command line alone, such as ``--nan ignore``.
    """

    options: str = ""

    def with_options(self, options: str) -> Self:
        """Say what to type, too.

        Args:
            options: for the command line alone, such as ``--nan ignore``.

        Returns:
            This error, to be raised.
        """
        self.options = options
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """For the pipe between processes: by itself an exception pickles its message alone."""
        return _unpickled, (type(self), str(self)), self.__dict__


def _unpickled(kind: type[EngineError], message: str) -> EngineError:
    return kind.__new__(kind, message)


class ImageError(EngineError):
    """One image cannot be read; the work goes on with the next."""


class CheckpointError(EngineError):
    """A model file is damaged, hostile, or not a model that this program knows."""


class MissingFactsError(CheckpointError):
    """A sound model file of others does not say all that is needed; ask, and try again.

    Attributes:
        message: what happened and what to do, as ``str`` gives it.
        facts: what it does not say.
        num_classes: how many categories it tells apart; 0 if that is not known yet.
        outputs: of a network, those that may be meant.
    """

    def __init__(
        self,
        message: str,
        facts: tuple[Fact, ...],
        num_classes: int,
        outputs: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.outputs = outputs
        self.facts = facts
        self.num_classes = num_classes


class ModelError(EngineError):
    """A model was asked for that is not there, or cannot do what was asked."""


class FileChangedError(ModelError):
    """A file to download is not the one that was downloaded before; a person may allow it."""


class DataError(EngineError):
    """A data set or folder is missing, empty or malformed."""


class ConfigError(EngineError, ValueError):
    """A setting has a value that makes no sense."""


class DivergedError(EngineError):
    """The loss of a training is no number any more; what was best before is kept."""


class MemoryShortError(EngineError):
    """There is too little memory for the work; with more, it can be started again."""

    def __init__(self, message: str = MEMORY_SHORT) -> None:
        super().__init__(message)


class EngineStoppedError(EngineError):
    """The process that runs the model ended while it was working."""
