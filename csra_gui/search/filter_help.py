"""What a filter can say, by examples that can be clicked."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QToolButton, QWidget

EXAMPLES: tuple[tuple[str, str], ...] = (
    ("dog", "photos with this label, or with a kind of it, such as pug"),
    ("=dog", "with this very label, not by a kind of it"),
    ("dog AND NOT person", "one label without the other; AND may be left out"),
    ("(cat OR dog) reviewed:no", "one of two, and not reviewed yet"),
    ('"potted plant"', "a name with a space"),
    ("score:dog>0.4", "the model is at least this sure"),
    ("uncertain:dog", "the score is near the threshold"),
    ("uncertain:*", "any label is near its threshold"),
    ("rejected:dog", "you said it is wrong; also accepted: and added:"),
    ("source:person", "with labels of yours; or source:machine, source:file"),
    ("tags:>=3", "three labels or more; tags:=0 for tagged photos without any"),
    ("tagged:no", "not tagged yet; error:yes for unreadable photos"),
    ('name:"IMG_*"', "the file's name; * is any text, ? one character"),
    ('folder:"2024*"', "in such a folder, or below it"),
    ("date:2024-05", "taken in that month; also date:>=2023, date:2024-05..2024-07"),
    ("rating:>=3", "three stars or more; rating:none, rating:rejected"),
    ("color:red", "with this colour label; color:none for none"),
    ("title:sea", "the title contains it; title:* for any"),
    ("camera:canon", "the camera's name; camera:* for any, NOT camera:* for none"),
    ("measured:blurred", "measured, whatever the model says; also measured:black-and-white"),
    ("similar:IMG_1.jpg", "like this photo, the most alike first; similar:IMG_1.jpg>0.6"),
)


class FilterHelp(QFrame):
    """A sheet of examples below the filter line.

    Signals:
        example_chosen: the text of an example that was clicked.
    """

    example_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAccessibleName("What a filter can say")
        layout = QGridLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.setHorizontalSpacing(14)
        layout.setVerticalSpacing(2)
        title = QLabel("Click an example to try it.", self)
        layout.addWidget(title, 0, 0, 1, 2)
        for row, (example, meaning) in enumerate(EXAMPLES, start=1):
            layout.addWidget(self._button(example), row, 0, Qt.AlignmentFlag.AlignLeft)
            layout.addWidget(QLabel(meaning, self), row, 1)

    def show_below(self, widget: QWidget) -> None:
        """Appear below a widget, within the screen."""
        self.adjustSize()
        at = widget.mapToGlobal(QPoint(widget.width() - self.width(), widget.height() + 4))
        room = widget.screen().availableGeometry()
        at.setX(max(room.left(), min(at.x(), room.right() - self.width())))
        at.setY(max(room.top(), min(at.y(), room.bottom() - self.height())))
        self.move(at)
        self.show()

    def _button(self, example: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(example)
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        button.clicked.connect(lambda: self._choose(example))
        return button

    def _choose(self, example: str) -> None:
        self.hide()
        self.example_chosen.emit(example)
