"""The labels of the chosen photos as a menu that finds the photos which have one."""

from __future__ import annotations

from collections import Counter

from PySide6.QtWidgets import QMenu

from csra_gui.browse.chips import mine_first
from csra_gui.browse.view_mode import Browsing
from csra_gui.session.session import Session
from engine.library.filters.completion import quoted
from engine.texts import display_text

#: So that the menu is there at once, and can be read.
_MOST_PHOTOS, _MOST_LABELS = 200, 20


def labels_of_chosen(session: Session, browsing: Browsing) -> list[str]:
    """Of one photo, the person's first, then the best; of several, what most of them have."""
    photos = browsing.targets[:_MOST_PHOTOS]
    counted = Counter(
        label.category for photo in photos for label in mine_first(session.labels(photo))
    )
    return [label for label, _ in counted.most_common(_MOST_LABELS)]


def fill_label_menu(menu: QMenu, session: Session, browsing: Browsing) -> None:
    """List them; a click shows all photos with that label, in place of what is shown."""
    menu.clear()
    for label in labels_of_chosen(session, browsing):
        action = menu.addAction(display_text(label).replace("&", "&&"))
        action.triggered.connect(
            lambda _checked=False, label=label: session.shown.set_filter(quoted(label))
        )
    if menu.isEmpty():
        menu.addAction("No labels yet").setEnabled(False)
