"""The facts that a session tells the window of."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class SessionFacts(QObject):
    """Its signals, all in the GUI thread.

    Signals:
        photos_reset: another folder is being opened; there are no photos now.
        photos_added: half-open range of new rows.
        scan_started, scan_finished: of one folder or drop; the second carries what was skipped.
        predictions_changed: a tuple of rows; an empty one means any of them.
        tagging_started, tagging_progressed, tagging_finished: of one run.
        model_changed: the ``ModelState``; also when another model is being opened.
        current_changed: the row being looked at, or ``None``.
        category_changed: the category whose map is shown, or ``None``.
        pinned_changed: the category whose map stays, or ``None``.
        evidence_changed: the position scores of the current photo have come, or will not.
        threshold_changed: what counts as a label.
        decisions_changed: a tuple of rows of which the person said something; empty means any.
        undo_changed: what can be undone or redone.
        selection_changed: which photos are selected.
        storing_failed: why something could not be written to the library.
    """

    photos_reset = Signal()
    photos_added = Signal(int, int)
    scan_started = Signal()
    scan_finished = Signal(object)
    predictions_changed = Signal(object)
    tagging_started = Signal(int)
    tagging_progressed = Signal(object)
    tagging_finished = Signal(object)
    model_changed = Signal(object)
    current_changed = Signal(object)
    category_changed = Signal(object)
    pinned_changed = Signal(object)
    evidence_changed = Signal()
    threshold_changed = Signal()
    decisions_changed = Signal(object)
    undo_changed = Signal()
    selection_changed = Signal()
    storing_failed = Signal(str)
