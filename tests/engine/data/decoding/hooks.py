"""Decoders that misbehave as the file's name says; worker processes import them by name."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from engine.api.config import DecodeMode
from engine.api.errors import ImageError
from engine.api.values import DecodedImage
from engine.data.decoding.decode import CropBox, Fit, decode
from engine.data.decoding.worker import Admit


def misbehave(
    path: Path,
    side: int | None,
    fit: Fit,
    admit: Admit | None,
    crop: CropBox | None,
    mode: DecodeMode,
) -> DecodedImage:
    match path.stem:
        case "abort":
            os.abort()
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            signal.pause()
        case "slow":
            time.sleep(2.0)
            raise ImageError("slow")
        case "hold":  # a pipe: until its writer closes it
            path.read_bytes()
            raise ImageError("held")
        case "bug":
            raise KeyError("no picture should raise this")
        case "hungry":
            try:
                bytearray(3 << 30)
            except MemoryError:
                raise ImageError("refused") from None
        case "modules":
            raise ImageError(" ".join(sorted(sys.modules)))
        case "pid":
            raise ImageError(str(os.getpid()))
    return decode(path, side, fit, admit, crop, mode)
