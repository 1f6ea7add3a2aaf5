"""In which order photos are reviewed, and how far it has got."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from csra_gui.review.controller import ReviewController
from csra_gui.session.session import Session
from csra_gui.session.sort_keys import FOUND, MISTAKES, UNCERTAINTY

#: Order, caption, and whether the greatest comes first.
QUEUES: tuple[tuple[str, str, bool], ...] = (
    (FOUND, "Review one by one", False),
    (UNCERTAINTY, "Least certain first", True),
    (MISTAKES, "Suspected mistakes first", True),
)
_BAR_HEIGHT = 4


class ReviewProgressBar(QWidget):
    """A list of queues, and below it a thin bar with the numbers beside it."""

    def __init__(
        self, session: Session, review: ReviewController, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._review = review
        self.queues = QComboBox(self)
        for key, caption, _ in QUEUES:
            self.queues.addItem(caption, key)
        self.queues.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.queues.setMinimumContentsLength(10)
        self.queues.setPlaceholderText("In the order shown")
        self.queues.setAccessibleName("Order of review")
        self.queues.setToolTip("Which photos come first when you go from one to the next.")
        self.done = QLabel(self)
        self._bar = QProgressBar(self)
        self._set_up_layout()
        self._connect()
        self._update_queue()
        self._update_progress()

    def _set_up_layout(self) -> None:
        self.done.setTextFormat(Qt.TextFormat.PlainText)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(_BAR_HEIGHT)
        self._bar.setAccessibleName("Reviewed")
        below = QHBoxLayout()
        below.addWidget(self._bar, 1)
        below.addWidget(self.done)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.queues)
        layout.addLayout(below)

    def _connect(self) -> None:
        session = self._session
        self.queues.activated.connect(self._on_queues_activated)
        session.shown.order_changed.connect(self._update_queue)
        for fact in (
            session.shown.changed,
            session.decisions.changed,
            session.pipeline.predictions_changed,  # what the library knows comes with them
            session.pipeline.photos_reset,
        ):
            fact.connect(self._update_progress)

    @Slot(int)
    def _on_queues_activated(self, place: int) -> None:
        key, _, descending = QUEUES[place]
        self._session.shown.set_sort(key, descending)

    @Slot()
    def _update_queue(self) -> None:
        shown = self._session.shown
        wanted = (shown.sort_key, shown.descending)
        places = [i for i, (key, _, down) in enumerate(QUEUES) if (key, down) == wanted]
        self.queues.setCurrentIndex(places[0] if places else -1)

    @Slot()
    def _update_progress(self) -> None:
        done, total = self._review.progress()
        self.setVisible(len(self._session.photos) > 0)
        self.done.setText(f"{done:,} of {total:,} reviewed")
        self._bar.setRange(0, max(total, 1))
        self._bar.setValue(done)
