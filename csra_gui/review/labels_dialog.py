"""Labels that were typed or taught, to rename, merge and delete on all photos of the library."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, QSize, Qt, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCompleter,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.ask import ask_whether
from csra_gui.base.theme import Tone
from csra_gui.base.tool_tips import tool_tip
from csra_gui.review.controller import ReviewController
from csra_gui.review.label_history import UsedLabels
from csra_gui.session.session import Session
from csra_gui.session.typed_labels import one_label_problem, unquoted
from csra_gui.widgets.labels import muted_label, plain_label
from csra_gui.widgets.table import Cell, Table
from csra_gui.widgets.windows import fit_to_screen
from engine.api.label_names import SHIPPED_NAMES
from engine.library.labels import LabelUse
from engine.texts import display_text, fold, photos_text

_NONE_YET = (
    "There are none yet. A label that you type under Add a label, or teach the model, is listed "
    "here."
)
_MOST_NAMED = 3
_PREVIEW_LINES = 3


class LabelsDialog(QDialog):
    """A list with counts; what is chosen gets another name, another label's name, or goes."""

    def __init__(
        self,
        session: Session,
        review: ReviewController,
        used: UsedLabels,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Labels")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._review = review
        self._used = used
        self._uses: tuple[LabelUse, ...] = ()
        self._photos = 0
        self._follow = ""
        self.search = QLineEdit(self)
        self.table = Table(("Label", "Photos", "Rejected", "Known to"), "Labels", self)
        self.hint = muted_label("", self)
        self.name = QLineEdit(self)
        self.rename = QPushButton("&Rename", self)
        self.delete = QPushButton("&Delete…", self)
        self.undo = QPushButton("&Undo", self)
        self.preview = plain_label("", self)
        self._set_up_layout()
        self._connect()
        self._load()

    def _set_up_layout(self) -> None:
        self.search.setPlaceholderText("Search for a label")
        self.search.setAccessibleName("Search for a label")
        self.search.setClearButtonEnabled(True)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.name.setMaxLength(200)
        # Room for the longest sentence, or the list would jump while one types.
        self.preview.setMinimumHeight(_PREVIEW_LINES * self.fontMetrics().lineSpacing())
        self.preview.setAlignment(Qt.AlignmentFlag.AlignTop)
        caption = QLabel("&New name:", self)
        caption.setBuddy(self.name)
        line = QHBoxLayout()
        line.addWidget(caption)
        line.addWidget(self.name, 1)
        for button in (self.rename, self.delete):
            button.setAutoDefault(False)
            line.addWidget(button)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.addButton(self.undo, QDialogButtonBox.ButtonRole.ActionRole)
        for button in (self.undo, buttons.button(QDialogButtonBox.StandardButton.Close)):
            button.setAutoDefault(False)  # Return in a line is not meant for them
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(
            plain_label("Labels that you typed or taught, on all photos of the library.", self)
        )
        layout.addWidget(self.search)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.hint)
        layout.addWidget(self.preview)
        layout.addLayout(line)
        layout.addWidget(buttons)
        fit_to_screen(self, QSize(620, 520))

    def _connect(self) -> None:
        decisions = self._session.decisions
        self.search.textChanged.connect(self._show_found)
        self.table.itemSelectionChanged.connect(self._on_table_selection_changed)
        self.name.textChanged.connect(self._update)
        self.name.returnPressed.connect(self.rename.click)
        self.rename.clicked.connect(self._on_rename_clicked)
        self.delete.clicked.connect(self._on_delete_clicked)
        self.undo.clicked.connect(decisions.undo)
        for fact in (decisions.undo_changed, decisions.names_changed, decisions.changed):
            fact.connect(self._load)

    # What there is.

    @Slot()
    def _load(self) -> None:
        """Ask for the labels anew; what is being written comes before the answer."""
        self._session.library.submit(
            lambda library: library.label_uses(), self._show, self._session.library.report
        )
        caption = self._session.decisions.undo_caption
        self.undo.setEnabled(bool(caption))
        self.undo.setToolTip(tool_tip(display_text(caption)))

    def _show(self, uses: Sequence[LabelUse]) -> None:
        chosen = (self._follow,) if self._follow else self.chosen
        self._follow = ""
        self._uses = tuple(uses)
        self.table.set_rows([_cells(use) for use in uses])
        known = list(dict.fromkeys((*(use.name for use in uses), *self._review.known_labels)))
        completer = QCompleter(known, self.name)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.name.setCompleter(completer)
        self._choose(chosen)
        self._show_found()

    @Slot()
    def _show_found(self) -> None:
        wanted = fold(self.search.text().strip())
        others = self._session.photos.names.others
        found = [
            any(wanted in fold(name) for name in (use.name, *others(use.name)))
            for use in self._uses
        ]
        for row, is_found in enumerate(found):
            self.table.setRowHidden(row, not is_found)
        nothing = "No label has this in its name." if self._uses else _NONE_YET
        self.hint.setText(nothing)
        self.hint.setVisible(not any(found))
        self._on_table_selection_changed()

    @property
    def chosen(self) -> tuple[str, ...]:
        """The labels that are selected, and not hidden by the search."""
        rows = sorted({index.row() for index in self.table.selectionModel().selectedRows()})
        return tuple(self._uses[row].name for row in rows if not self.table.isRowHidden(row))

    def _choose(self, names: Sequence[str]) -> None:
        rows, mode = self.table.selectionModel(), QItemSelectionModel.SelectionFlag
        rows.clearSelection()
        for row, use in enumerate(self._uses):
            if use.name in names:
                index = self.table.model().index(row, 0)
                rows.select(index, mode.Select | mode.Rows)

    # What is wanted.

    @Slot()
    def _on_table_selection_changed(self) -> None:
        chosen = self.chosen
        self._photos = 0
        self.name.setText(display_text(chosen[0]) if len(chosen) == 1 else "")
        self.name.setEnabled(bool(chosen))
        self.delete.setEnabled(bool(chosen))
        self.delete.setText("&Show again" if self._are_hidden else "&Delete…")
        self._update()
        if chosen:
            self._session.library.submit(
                lambda library: (chosen, library.count_images(chosen)), self._take_count
            )

    def _take_count(self, counted: tuple[tuple[str, ...], int]) -> None:
        chosen, photos = counted
        if chosen == self.chosen:
            self._photos = photos
            self._update()

    @property
    def wanted(self) -> str:
        """The name that is typed: of a label that there is, if it means one."""
        typed, names = unquoted(self.name.text()), self._session.photos.names
        known = (*(use.name for use in self._uses), *self._session.photos.known_labels)
        return names.find(typed, [name for name in known if name not in self.chosen]) or (
            SHIPPED_NAMES.label(typed)
        )

    @Slot()
    def _update(self) -> None:
        problem, is_merge = self._problem(), self._is_merge()
        self.rename.setText("&Merge" if is_merge else "&Rename")
        self.rename.setEnabled(not problem)
        self.preview.setText(problem or self._sentence(is_merge=is_merge))

    def _is_merge(self) -> bool:
        known = {*(use.name for use in self._uses), *self._session.photos.known_labels}
        return len(self.chosen) > 1 or self.wanted in known.difference(self.chosen)

    def _problem(self) -> str:
        """What is missing, before anything can be called otherwise."""
        chosen = self.chosen
        if not chosen:
            return "Choose a label; several with Ctrl or Shift."
        if not self.name.text().strip() or chosen == (self.wanted,):
            several = "Type the name of the label that they become."
            return several if len(chosen) > 1 else "Type its new name, or that of another label."
        return one_label_problem(self.name.text(), [use.name for use in self._uses])

    def _sentence(self, *, is_merge: bool) -> str:
        chosen, new = self.chosen, f"“{display_text(self.wanted)}”"
        verb = "becomes" if len(chosen) == 1 else "become"
        said = f"{_listed(chosen)} {verb} {new} on {photos_text(self._photos)}."
        if is_merge:
            said += f" A photo that has either has {new} then."
        if self._is_known(chosen):
            both = self._session.photos.index_of(self.wanted) >= 0
            goes_on = "not shown beside it any more" if both else f"shown as {new}"
            said += f" What models find by the old name is {goes_on}."
        return f"{said} You can undo it."

    def _is_known(self, names: Sequence[str]) -> bool:
        """Whether a model knows any of these labels."""
        return any(use.models for use in self._uses if use.name in names)

    @property
    def _are_hidden(self) -> bool:
        chosen = [use for use in self._uses if use.name in self.chosen]
        return bool(chosen) and all(use.is_hidden for use in chosen)

    # Doing it.

    @Slot()
    def _on_rename_clicked(self) -> None:
        chosen, new = self.chosen, self.wanted
        self._follow = new
        self._used.rename(chosen, new)
        self._session.decisions.rename(chosen, new)

    @Slot()
    def _on_delete_clicked(self) -> None:
        chosen, decisions = self.chosen, self._session.decisions
        if self._are_hidden:
            decisions.rename(chosen[:1], chosen[0])
            return

        def delete() -> None:
            self._used.rename(chosen, "")
            decisions.delete(chosen)

        goes_on = ""
        if self._is_known(chosen):
            goes_on = (
                " What models find is not shown any more, until you give the label to a photo "
                "again."
            )
        verb = "loses" if self._photos == 1 else "lose"
        what = "it" if len(chosen) == 1 else "them"
        text = f"Delete {_listed(chosen)}? {photos_text(self._photos)} {verb} {what}."
        ask_whether(self, "Delete labels", f"{text}{goes_on} You can undo it.", "&Delete", delete)


def _cells(use: LabelUse) -> list[Cell]:
    name, models = display_text(use.name), [display_text(model) for model in use.models]
    known = _in_short(models) if models else "only typed"
    if use.is_hidden:
        known += ", not shown"
    return [
        Cell(name, tone=Tone.MUTED if use.is_hidden else None, tip=name),
        Cell(f"{use.given:,}", use.given),
        Cell(f"{use.rejected:,}", use.rejected),
        Cell(known, tip="\n".join(models)),
    ]


def _listed(labels: Sequence[str]) -> str:
    return _in_short([f"“{display_text(label)}”" for label in labels])


def _in_short(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    if more > 0:
        return f"{', '.join(names[:_MOST_NAMED])} and {more:,} more"
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
