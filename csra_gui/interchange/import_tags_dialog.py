"""Which results to import, where their photos are here, and what would come of it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from csra_gui.base.activity import Progress
from csra_gui.base.ask import ask_files, ask_folder
from csra_gui.base.jobs import JobSlot, JobTold
from csra_gui.base.tool_tips import tool_tip
from csra_gui.interchange.import_tags_job import TagImports, TagRequest
from csra_gui.session.session import Session
from csra_gui.widgets.labels import muted_label, plain_label
from csra_gui.widgets.windows import fit_to_screen
from engine.api.errors import EngineError
from engine.interchange.importing.tag_files import SUFFIXES
from engine.interchange.importing.tag_paths import PathMap, PathRule
from engine.interchange.importing.tag_values import Refusal, TagCheck, TagReport, TagWish
from engine.interchange.importing.tags import summary_lines
from engine.texts import display_name, display_path, display_text

_KINDS = (f"Results ({' '.join(f'*{suffix}' for suffix in SUFFIXES)})", "All files (*)")
_CHECKS = (
    (TagCheck.SIZE_TIME, "By size and time of the file"),
    (TagCheck.HASH, "By content (SHA-256): reads every photo"),
    (TagCheck.NONE, "Not at all"),
)
_ADVICE = {
    Refusal.NOT_PLACED: "say above where they are here",
    Refusal.UPWARDS: "say above where they are here",
    Refusal.NOT_THERE: "if they are elsewhere here, say above where",
    Refusal.NO_SIZE_TIME: "choose another check above",
    Refusal.NO_HASH: "choose another check above",
    Refusal.UNKNOWN_MODEL: "get the model first: Model ▸ Models",
}
_PROMISE = (
    "What you accepted, rejected and added stays. A copy of the library is made first, and no "
    "photo is changed."
)
_ASK = "Choose files that “csra tag” wrote, or a folder of them."


class ImportTagsDialog(QDialog):
    """Shows what would come of an import whenever something else is chosen.

    Signals:
        import_requested: a ``TagRequest``.
    """

    import_requested = Signal(object)

    def __init__(self, session: Session, imports: TagImports, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import results")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._imports = imports
        self._slot = JobSlot(session.jobs, "preview of results", self)
        self._places: tuple[Path, ...] = ()
        self._shown_for: TagRequest | None = None
        self._has_tags = False
        self.place = plain_label(_ASK, self)
        self.files_button = QPushButton("&Files…", self)
        self.folder_button = QPushButton("F&older…", self)
        self.rules: list[tuple[QLineEdit, QLineEdit]] = []
        self._rules_layout = QVBoxLayout()
        self.more_button = QPushButton("&Another folder", self)
        self.check = QComboBox(self)
        self.replace = QCheckBox("&Replace tags that the same model gave here", self)
        self.known_only = QCheckBox("&Leave out photos that the library does not have yet", self)
        self.complete_only = QCheckBox(
            "Lea&ve out photos that come with their best tags alone", self
        )
        self.summary = plain_label("", self)
        self.bar = QProgressBar(self)
        self.details = QPlainTextEdit(self)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.import_button = self.buttons.addButton(
            "&Import", QDialogButtonBox.ButtonRole.AcceptRole
        )
        self._set_up_layout()
        self._connect()
        self._add_rule()
        self.refresh()

    @property
    def request(self) -> TagRequest:
        """What is chosen."""
        rules = tuple(
            PathRule.of(old.text(), new.text()) for old, new in self.rules if new.text().strip()
        )
        return TagRequest(
            self._places,
            TagWish(
                PathMap(rules),
                TagCheck(self.check.currentData()),
                replace=self.replace.isChecked(),
                known_only=self.known_only.isChecked(),
                complete_only=self.complete_only.isChecked(),
            ),
        )

    def read(self, places: list[Path]) -> None:
        """Look at other results."""
        self._places = tuple(places)
        more = f" and {len(places) - 1:,} more" if len(places) > 1 else ""
        self.place.setText(f"{display_name(places[0])}{more}")
        self.place.setToolTip(tool_tip(*(display_path(place) for place in places[:10])))
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Look again at what is chosen now, unless it is what is shown already."""
        request = self.request
        if self._shown_for == request:
            return
        self._slot.drop()
        self._shown_for, self._has_tags = request, False
        self._update_button()
        self.details.setPlainText("")
        self.bar.setVisible(bool(self._places))
        self.bar.setRange(0, 0)
        if not self._places:
            self.summary.setText("")
            return
        self.summary.setText("Looking at the results…")
        see = JobTold(self._follow, self._show, self._fail)
        self._imports.preview(self._slot, request, see)

    @override
    def done(self, result: int) -> None:
        self._slot.drop()
        super().done(result)

    def _set_up_layout(self) -> None:
        for check, caption in _CHECKS:
            self.check.addItem(caption, check.value)
        self.details.setReadOnly(True)
        self.details.setAccessibleName("What would come of it")
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress")
        self.more_button.setAutoDefault(False)
        for button in (self.files_button, self.folder_button):
            button.setAutoDefault(False)
        places = QHBoxLayout()
        places.addWidget(self.place, 1)
        places.addWidget(self.files_button)
        places.addWidget(self.folder_button)
        below = QHBoxLayout()
        below.addWidget(self.more_button)
        below.addStretch(1)
        self._rules_layout.addLayout(below)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Results:", places)
        form.addRow("Photos:", self._rules_layout)
        form.addRow("&Check:", self.check)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        for widget in (self.replace, self.known_only, self.complete_only, self.summary, self.bar):
            layout.addWidget(widget)
        layout.addWidget(self.details, 1)
        layout.addWidget(muted_label(_PROMISE, self))
        layout.addWidget(self.buttons)
        fit_to_screen(self, QSize(760, 620))

    def _connect(self) -> None:
        self.files_button.clicked.connect(self._on_files_button_clicked)
        self.folder_button.clicked.connect(self._on_folder_button_clicked)
        self.more_button.clicked.connect(self._add_rule)
        self.check.currentIndexChanged.connect(self.refresh)
        for box in (self.replace, self.known_only, self.complete_only):
            box.toggled.connect(self.refresh)
        self._imports.state_changed.connect(self._update_button)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.accepted.connect(self._on_accepted)

    @Slot()
    def _add_rule(self) -> None:
        """A line for one more folder that lies elsewhere here."""
        number = len(self.rules) + 1
        old, new = QLineEdit(self), QLineEdit(self)
        old.setPlaceholderText("Folder there: /cluster/photos or D:\\Photos")
        new.setPlaceholderText("The same folder here")
        old.setAccessibleName(f"Folder there, {number}")
        new.setAccessibleName(f"Folder here, {number}")
        choose = QPushButton("…", self)
        choose.setAutoDefault(False)
        choose.setAccessibleName(f"Choose the folder here, {number}")
        choose.setToolTip(tool_tip("Choose the folder here"))
        row = QHBoxLayout()
        row.addWidget(old, 1)
        row.addWidget(new, 1)
        row.addWidget(choose)
        self._rules_layout.insertLayout(len(self.rules), row)
        self.rules.append((old, new))
        for line in (old, new):
            line.editingFinished.connect(self.refresh)

        def take(folder: Path) -> None:
            new.setText(str(folder))
            self.refresh()

        choose.clicked.connect(lambda: ask_folder(self, "Where the photos are here", take))

    def _follow(self, progress: Progress) -> None:
        self.summary.setText(progress.line)
        self.bar.setRange(0, progress.total or 0)
        self.bar.setValue(progress.done)

    def _show(self, report: TagReport) -> None:
        self.bar.hide()
        first, *lines = summary_lines(report, _ADVICE)
        self.summary.setText(first)
        if report.examples:
            lines += ["", "For example:"]
            lines += [f"{there}  →  {display_path(here)}" for there, here in report.examples]
        self.details.setPlainText("\n".join(lines))
        self._has_tags = report.imported > 0
        self._update_button()

    def _fail(self, error: EngineError) -> None:
        self.bar.hide()
        self.summary.setText(display_text(str(error)))

    @Slot()
    def _update_button(self) -> None:
        self.import_button.setEnabled(self._has_tags and self._imports.can_import)

    @Slot()
    def _on_files_button_clicked(self) -> None:
        ask_files(self, "Results of csra tag", _KINDS, self.read)

    @Slot()
    def _on_folder_button_clicked(self) -> None:
        ask_folder(self, "A folder of results", lambda path: self.read([path]))

    @Slot()
    def _on_accepted(self) -> None:
        self.import_requested.emit(self.request)
