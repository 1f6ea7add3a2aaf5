"""What is said where a person types a label that the model does not know, and what they can do."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from csra_gui.base.tool_tips import tool_tip
from csra_gui.session.unknown_words import TEACH
from csra_gui.widgets.labels import plain_label
from engine.texts import display_text

#: Around the text of a button, in pixels.
_BUTTON_EDGES = 24
_LEAST_NAME = 60


class UnknownLabel(QWidget):
    """A sentence, and below it up to two buttons; nothing while there is nothing to say.

    Signals:
        add_requested: the word shall be given to the photos.
        teach_requested: the model shall learn it.
    """

    add_requested = Signal()
    teach_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = plain_label("", self)
        self.add = QPushButton(self)
        self.teach = QPushButton(TEACH, self)
        self.teach.setToolTip(
            tool_tip("Show the model ten or more photos of something that it does not know.")
        )
        for button in (self.add, self.teach):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # it goes when it is clicked
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self.add)
        buttons.addWidget(self.teach)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.text)
        layout.addLayout(buttons)
        self.add.clicked.connect(self.add_requested)
        self.teach.clicked.connect(self.teach_requested)
        self.say("", can_teach=False)

    def say(self, text: str, *, can_teach: bool, add: str = "") -> None:
        """Say what is not known, and offer what can be done.

        Args:
            text: empty: nothing is said or offered.
            can_teach: whether the model can learn it.
            add: what a button adds to the photos; empty for no such button.
        """
        self.text.setText(text)
        self.teach.setVisible(can_teach)
        self.add.setVisible(bool(add))
        self.teach.setAccessibleName(TEACH)
        if add:
            self._name_button(display_text(add))
        self.setVisible(bool(text))

    def _name_button(self, shown: str) -> None:
        taken = self.teach.sizeHint().width() if self.teach.isVisibleTo(self) else 0
        place = self.parentWidget() or self  # which has its width while this is hidden
        width = max(place.width() - taken - 2 * _BUTTON_EDGES, _LEAST_NAME)
        metrics = self.add.fontMetrics()
        name = metrics.elidedText(f"Add “{shown}”", Qt.TextElideMode.ElideRight, width)
        self.add.setText(name.replace("&", "&&"))
        self.add.setAccessibleName(f"Add {shown}")
