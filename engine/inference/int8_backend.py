"""What runs an int8 network; apart from what makes one, because that takes long to load."""

from __future__ import annotations

from typing_extensions import override

from engine.inference.backend import BackendAround


class Int8Backend(BackendAround):
    """Another backend that runs an int8 network, and says so."""

    @property
    @override
    def name(self) -> str:
        return f"{self.inner.name}, int8"

    @property
    @override
    def runtime(self) -> str:
        return f"{self.inner.runtime}, int8"
