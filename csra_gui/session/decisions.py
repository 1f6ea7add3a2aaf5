"""What the person says of labels: shown at once, written in order, taken back on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.session.edit_news import EditNews
from csra_gui.session.library_client import LibraryClient, who
from csra_gui.session.photo_table import PhotoTable
from engine.api.errors import EngineError
from engine.api.label_names import LabelNames
from engine.library.columns import IntArray, Stored
from engine.library.errors import LibraryError
from engine.library.ratings import checked_value
from engine.library.store import Library
from engine.library.values import Attribute, Edit, ImageFile, Verdict, Wish, look_at

_NOT_LOOKED_AT = -1


@dataclass(frozen=True)
class _Written:
    """What a write to the journal did.

    Attributes:
        news: what changed, if anything did.
        captions: of what can be undone and redone now.
        names: what labels are called now, if that changed.
        ids: of the images, if rows of the table were decided on.
    """

    news: EditNews | None
    captions: tuple[str, str]
    names: LabelNames | None
    ids: IntArray | None = None


class Decisions(QObject):
    """Decides, undoes and redoes.

    The table changes at once; the library writes later, in order. While something is being
    written, what the library says of the same photos is old: such news is read again after it.

    Signals:
        changed: a tuple of rows; an empty one means any of them.
        undo_changed: the captions of what can be undone and redone.
        taken_back: rows that an undo or a redo has just changed.
        names_changed: labels are called otherwise.
    """

    changed = Signal(object)
    undo_changed = Signal()
    taken_back = Signal(object)
    names_changed = Signal()

    def __init__(self, library: LibraryClient, photos: PhotoTable, parent: QObject) -> None:
        super().__init__(parent)
        self._library = library
        self._photos = photos
        self._waiting = 0
        self._reading = 0
        self._placed: Mapping[str, tuple[str, ...]] = {}
        self._to_read_again: set[int] = set()
        self.undo_caption = ""
        self.redo_caption = ""
        library.opened.connect(self._on_library_opened)

    @property
    def is_writing(self) -> bool:
        """Whether something is not written yet, or not shown yet as it was written."""
        return self._waiting > 0 or self._reading > 0

    def decide(
        self,
        rows: Sequence[int],
        verdicts: Mapping[str, Verdict | None],
        *,
        caption: str,
        reviewed: bool | None = None,
    ) -> None:
        """Say the same of labels of photos, as one edit.

        Args:
            rows: the photos.
            verdicts: what is said, by label; ``None`` takes back what was said.
            caption: for the Undo menu.
            reviewed: the new mark, if it changes.
        """
        if not len(rows) or not (verdicts or reviewed is not None):
            return
        label = self._photos.names.label
        said = {label(name): word for name, word in verdicts.items()}
        photos = np.asarray(rows, dtype=np.int64)
        self._photos.decide(photos, said, reviewed)
        self._tell(photos, caption)
        images = self._images(photos)

        def work(library: Library) -> _Written:
            ids = images.registered(library)
            wishes = [Wish(i, category, said[category]) for i in ids.tolist() for category in said]
            marks = None if reviewed is None else dict.fromkeys(ids.tolist(), reviewed)
            edit = library.decide(wishes, who=who(), caption=caption, reviewed=marks)
            return _written(library, edit, ids)

        self._submit(work, photos)

    def rate(self, rows: Sequence[int], attribute: Attribute, value: str, *, caption: str) -> None:
        """Give photos a rating, a colour label or a title, as one edit.

        Args:
            rows: the photos.
            attribute: which of the three.
            value: see there; empty takes it away.
            caption: for the Undo menu.

        Raises:
            ConfigError: there is no such value.
        """
        if not len(rows):
            return
        value = checked_value(attribute, value)
        photos = np.asarray(rows, dtype=np.int64)
        self._photos.set_attribute(photos, attribute, value)
        self._tell(photos, caption)
        images = self._images(photos)

        def work(library: Library) -> _Written:
            ids = images.registered(library)
            edit = library.rate(ids.tolist(), attribute, value, caption=caption)
            return _written(library, edit, ids)

        self._submit(work, photos)

    def undo(self) -> None:
        """Take back the last edit, of whichever photos."""
        if self.undo_caption:
            self._submit(lambda library: _written(library, library.undo()), is_step=True)

    def redo(self) -> None:
        """Make again what was undone last."""
        if self.redo_caption:
            self._submit(lambda library: _written(library, library.redo()), is_step=True)

    def rename(self, labels: Sequence[str], name: str) -> None:
        """Call labels otherwise on all photos of the library, or make several one."""
        self._submit(lambda library: _written(library, library.rename_labels(labels, name)))

    def delete(self, labels: Sequence[str]) -> None:
        """Take back all that was said of labels of all photos of the library."""
        self._submit(lambda library: _written(library, library.delete_labels(labels)))

    def take(self, rows: Sequence[int], stored: Stored, row_of: Mapping[int, int]) -> None:
        """Show what the library has of photos, unless something newer is on its way to it.

        Args:
            rows: all of them, in no particular order.
            stored: what the library has.
            row_of: the row of each image in ``stored``.
        """
        if self._waiting:
            self._to_read_again.update(rows)
            return
        self._photos.set_decisions(
            rows,
            [(row_of[image], category, word) for image, category, word in stored.verdicts],
            [row_of[image] for image in stored.reviewed],
            [(row_of[image], name, value) for image, name, value in stored.attributes],
        )

    def read_again(self, rows: Sequence[int]) -> None:
        """Show what the library has of photos now, once all is written."""
        self._to_read_again.update(rows)
        self._read_again_if_due()

    def show_edit_of_others(self, rows: Sequence[int]) -> None:
        """Show what was written to the library without this, on rows, and what undo does now."""
        self._library.submit(lambda library: library.next_captions(), self._set_captions)
        self.read_again(rows)

    def forget(self) -> None:
        """The table is being emptied: rows mean other photos from now on."""
        self._to_read_again.clear()

    # Helpers.

    def _tell(self, rows: IntArray, caption: str) -> None:
        self._set_captions((caption, ""))
        self.changed.emit(tuple(rows.tolist()))

    def _images(self, rows: IntArray) -> _Images:
        """The photos' numbers in the library, and what is needed to register the others."""
        photos = self._photos
        ids = photos.image_ids[rows]
        files = [
            photos.file(row) or ImageFile(photos.paths[row], _NOT_LOOKED_AT, 0)
            for row in rows[ids == 0].tolist()
        ]
        return _Images(ids, files)

    def _submit(self, work: object, rows: IntArray | None = None, *, is_step: bool = False) -> None:
        """Have the library written to; ``is_step`` is a step of undoing or redoing."""
        self._waiting += 1
        generation = self._photos.generation

        def done(written: _Written) -> None:
            self._waiting -= 1
            if not self._waiting:  # else a newer edit is already announced
                self._set_captions(written.captions)
            if written.names is not None:
                self._take_names(written.names)
            if rows is not None and written.ids is not None:
                if generation == self._photos.generation:
                    self._note_ids(rows, written.ids)
            elif written.news is not None:
                changed = self._apply(written.news)
                if is_step:
                    self.taken_back.emit(changed)
            self._read_again_if_due()

        def failed(error: EngineError) -> None:
            self._waiting -= 1
            if rows is not None and generation == self._photos.generation:
                self._to_read_again.update(rows.tolist())
            self._library.report(error)
            self._library.submit(lambda library: library.next_captions(), self._set_captions)
            self._read_again_if_due()

        self._library.submit(work, done, failed)  # type: ignore[arg-type]

    def _note_ids(self, rows: IntArray, ids: IntArray) -> None:
        """Mostly they are known, and all photos would have to be sorted by them anew."""
        if not np.array_equal(self._photos.image_ids[rows], ids):
            self._photos.set_image_ids(rows, ids)

    def _apply(self, news: EditNews) -> tuple[int, ...]:
        """Show an edit that the library made, on which rows."""
        found = self._photos.find_images(news.ids)
        rows = tuple(found[found >= 0].tolist())
        if self._waiting:
            self._to_read_again.update(rows)
        else:
            self._show(news, found)
            if rows:
                self.changed.emit(rows)
        return rows

    def _show(self, news: EditNews, found: IntArray) -> None:
        def rows(places: IntArray) -> IntArray:
            those = found[places]
            return those[those >= 0]

        for (category, word), places in news.words.items():
            if len(same := rows(places)):
                self._photos.decide(same, {category: word})
        for reviewed, places in news.marks.items():
            self._photos.decide(rows(places), {}, reviewed)
        for (attribute, value), places in news.attributes.items():
            self._photos.set_attribute(rows(places), attribute, value)
        self._photos.forget_unused_labels()

    def _read_again_if_due(self) -> None:
        if self._waiting or not self._to_read_again:
            return
        rows = sorted(self._to_read_again)
        self._to_read_again.clear()
        row_of = {i: row for row in rows if (i := self._photos.image_id(row)) is not None}
        generation = self._photos.generation

        def done(stored: Stored) -> None:
            self._reading -= 1
            if generation == self._photos.generation:
                self.take(rows, stored, row_of)
                self.changed.emit(tuple(rows))

        def failed(_error: EngineError) -> None:  # the write before has failed too, and was told
            self._reading -= 1

        self._reading += 1
        self._library.submit(lambda library: library.stored(row_of), done, failed)

    def place_labels(self, placed: Mapping[str, tuple[str, ...]]) -> None:
        """Let the person's own labels imply others: see ``LabelNames``."""
        self._placed = placed
        self._take_names(self._photos.names)

    def _take_names(self, names: LabelNames) -> None:
        names = replace(names, placed=self._placed)
        if names != self._photos.names:
            self._photos.use_names(names)
            self.names_changed.emit()

    def _set_captions(self, captions: tuple[str, str]) -> None:
        if captions != (self.undo_caption, self.redo_caption):
            self.undo_caption, self.redo_caption = captions
            self.undo_changed.emit()

    @Slot()
    def _on_library_opened(self) -> None:
        self._library.submit(lambda library: library.label_names(), self._take_names)
        self._library.submit(lambda library: library.next_captions(), self._set_captions)


def _written(library: Library, edit: Edit | None, ids: IntArray | None = None) -> _Written:
    names = library.label_names() if edit is not None and edit.names else None
    news = None if edit is None or ids is not None else EditNews.of(edit)
    return _Written(news, library.next_captions(), names, ids)


@dataclass(frozen=True, eq=False)
class _Images:
    """Photos that something is said of.

    Attributes:
        ids: (N,) their numbers in the library, 0 for those that have none yet.
        files: of these, in that order.
    """

    ids: IntArray
    files: Sequence[ImageFile]

    def registered(self, library: Library) -> IntArray:
        """The numbers of all, with those that had none registered now."""
        files = [look_at(f.path) if f.size == _NOT_LOOKED_AT else f for f in self.files]
        if any(file is None for file in files):
            raise LibraryError("The photo is not there any more, so nothing can be said of it.")
        ids = self.ids.copy()
        if files:
            ids[ids == 0] = library.add_images([file for file in files if file is not None])
        return ids
