"""What open photos are compared by: the descriptors of the model in use, in the library."""

from __future__ import annotations

from collections.abc import Generator

from PySide6.QtCore import QObject, QTimer, Slot

from csra_gui.base.engine_client import EngineClient
from csra_gui.base.jobs import JobRunner, JobSlot, Policy
from csra_gui.session.library_client import LibraryClient
from csra_gui.session.library_maintenance import give_way
from csra_gui.session.pipeline import Pipeline
from csra_gui.session.tagger import Tagger
from engine.library.neighbours import DescriptorIndex

#: So long nothing must have gone on before descriptors are read that nobody asked for yet.
QUIET_MS = 2_000


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


class ReadingAhead(QObject):
    """Reads descriptors while nothing else goes on, so that no question has to wait for that.

    What it reads is kept as far as ``DescriptorIndex`` keeps any, and read again only after some
    of it was replaced.
    """

    def __init__(
        self,
        comparing: PhotoComparing,
        pipeline: Pipeline,
        tagger: Tagger,
        jobs: JobRunner,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._comparing = comparing
        self._pipeline = pipeline
        self._tagger = tagger
        self._slot = JobSlot(jobs, "read descriptors", self, Policy.IGNORE)
        self._timer = QTimer(self, singleShot=True, interval=QUIET_MS)
        self._timer.timeout.connect(self._read)
        pipeline.looked_up.connect(self._timer.start)
        tagger.freed.connect(self._on_tagger_freed)

    @property
    def is_pending(self) -> bool:
        """Whether it reads, or is about to."""
        return self._timer.isActive() or self._slot.is_running

    @Slot()
    def _read(self) -> None:
        index = self._comparing.index()
        if index is None or self._pipeline.is_searching or self._tagger.is_running:
            return  # what goes on now is heard of when it ends
        # Nobody need hear of a failure: whoever asks will.
        self._slot.run(lambda: _read_ahead(index))

    @Slot(object)
    def _on_tagger_freed(self, _summary: object) -> None:
        self._timer.start()


def _read_ahead(index: DescriptorIndex) -> Generator[None, None, None]:
    give_way()
    return index.read_ahead()
