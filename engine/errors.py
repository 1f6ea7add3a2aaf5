"""Errors that a person can do something about.

The message of each says what happened and what to do, in plain words; it is shown as it is, in the
window and on the command line. Anything else that is raised is a bug.
"""


class EngineError(Exception):
    """Something expected went wrong; the message says what happened and what to do."""


class ImageError(EngineError):
    """One image cannot be read; the work goes on with the next."""


class CheckpointError(EngineError):
    """A model file is damaged, hostile, or not a model that this program knows."""


class ModelError(EngineError):
    """A model was asked for that is not there, or cannot do what was asked."""


class DataError(EngineError):
    """A data set or folder is missing, empty or malformed."""


class ConfigError(EngineError, ValueError):
    """A setting has a value that makes no sense."""


class EngineStoppedError(EngineError):
    """The process that runs the model ended while it was working."""
