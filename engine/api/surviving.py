"""Tagging that goes on when the engine's process ends: what a model crashes on is found alone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.api.errors import EngineStoppedError
from engine.api.values import Prediction

#: The photo may be any of a batch, or of the one that is made ahead.
_SUSPECTS = 40
#: So many photos one after the other that each end a process: then it is not the photos.
_MOST_IN_A_ROW = 3
_LEFT_OUT = (
    "The engine stopped at this photo, also when it had no other to look at, so it was left out."
)
_RESTARTED = (
    "The engine stopped unexpectedly and was started again. The photos that it may have stopped at "
    "are looked at one by one."
)
_KEEPS_STOPPING = (
    "The engine stopped at several photos in a row, so tagging ended; what was done so far is "
    "kept. There may be too little memory, or the model's file may be damaged: try another model."
)

Ask = Callable[[Sequence[Path | str]], Generator[Prediction, None, None]]


class CrashedError(EngineStoppedError):
    """The engine's process ended by itself, or was ended since it did not answer."""


def surviving(
    ask: Ask, model_id: str, paths: Sequence[Path | str]
) -> Generator[Prediction, None, None]:
    """One prediction per path, in the order given, also over the ends of processes.

    After one, the photos that may be the reason are asked for one by one; one that ends a process
    again gets a prediction with an error.

    Args:
        ask: predicts some of the paths, in a process that is started if there is none.
        model_id: goes into the predictions of photos that are left out.
        paths: images.

    Raises:
        EngineStoppedError: it does not help.
    """
    done = alone_until = in_a_row = 0
    note = ""
    while done < len(paths):
        is_alone, before = done < alone_until, done
        try:
            with contextlib.closing(ask(paths[done : done + 1 if is_alone else None])) as found:
                for prediction in found:
                    done, in_a_row = done + 1, 0
                    yield replace(prediction, note=note or prediction.note)
                    note = ""
            if done == before:  # nobody says more
                return
            continue
        except CrashedError as error:
            if not is_alone:
                alone_until, note = done + _SUSPECTS, _RESTARTED
                continue
            in_a_row += 1
            if in_a_row >= _MOST_IN_A_ROW:
                raise EngineStoppedError(_KEEPS_STOPPING) from error
        path, done = Path(paths[done]), done + 1
        yield Prediction(path, model_id, np.zeros(0, np.float32), error=_LEFT_OUT, note=note)
        note = ""
