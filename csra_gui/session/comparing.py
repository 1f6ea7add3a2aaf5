"""What open photos are compared by: the descriptors of the model in use, in the library."""

from __future__ import annotations

from csra_gui.base.engine_client import EngineClient
from csra_gui.session.library_client import LibraryClient
from engine.library.neighbours import DescriptorIndex


class PhotoComparing:
    """Knows the descriptors that count now; what was read of them is kept for the next question."""

    def __init__(self, engine: EngineClient, library: LibraryClient) -> None:
        self._engine = engine
        self._library = library
        self._index: DescriptorIndex | None = None

    @property
    def why_not(self) -> str:
        """Why photos cannot be compared now, for people; empty if they can."""
        model = self._engine.model
        if model is not None and not model.descriptor_kind:
            return (
                "This model gives nothing by which photos could be compared. Use a model of this "
                "program."
            )
        return "" if self.index() is not None else "Photos can be compared once the model is there."

    def index(self) -> DescriptorIndex | None:
        """For a worker, since its calls block; ``None`` while library or model are not there."""
        library, model = self._library.library, self._engine.model
        if library is None or model is None or not model.descriptor_kind:
            return None
        index = self._index
        if index is None or index.library is not library or index.kind != model.descriptor_kind:
            self._index = index = DescriptorIndex(library, model.descriptor_kind)
        return index
