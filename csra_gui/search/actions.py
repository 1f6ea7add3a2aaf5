"""Searching: the filter, its counts, and filters with names."""

from __future__ import annotations

from PySide6.QtWidgets import QDockWidget
from typing_extensions import override

from csra_gui.base.actions import ActionSpec, FeatureActions, Standard
from csra_gui.search.near_duplicates import NearDuplicates
from csra_gui.search.search_panel import SearchPanel
from csra_gui.session.session import Session

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("find", "&Find photos", (Standard.Find,), "search", "Type what to show."),
    ActionSpec("clear_filter", "Show &all photos", ("Ctrl+Shift+F",), "close"),
    ActionSpec(
        "find_similar",
        "Find si&milar photos",
        ("S",),
        "search",
        "Show the photos that are like the current one, the most alike first.",
    ),
    ActionSpec(
        "find_duplicates",
        "Find near-&duplicates",
        (),
        "image",
        "Show groups of photos that are nearly the same.",
    ),
    ActionSpec("save_filter", "Save this &filter…", (), "star"),
    ActionSpec(
        "show_facets",
        "&Counts",
        ("Ctrl+Shift+K",),
        "tag",
        "Show how many photos have each label, to click on.",
        checkable=True,
    ),
)


class SearchActions(FeatureActions):
    """What is shown of the photos that are open."""

    def __init__(
        self,
        session: Session,
        panel: SearchPanel,
        facets: QDockWidget,
        duplicates: NearDuplicates,
    ) -> None:
        super().__init__(ACTIONS, panel)
        self._session = session
        self._duplicates = duplicates
        self._facets = facets
        self.connect_slots(
            {
                "find": panel.start_typing,
                "clear_filter": panel.clear,
                "save_filter": panel.save_filter,
                "find_similar": self._find_similar,
                "find_duplicates": duplicates.find,
                "show_facets": self._show_facets,
            }
        )
        shown = session.shown
        self.refresh_on(
            session.pipeline.photos_reset,
            session.pipeline.scan_started,
            shown.changed,
            shown.order_changed,
            facets.visibilityChanged,
            session.focus.current_changed,
            session.pipeline.photos_added,
            duplicates.state_changed,
        )

    @override
    def refresh(self) -> None:
        shown = self._session.shown
        self["find"].setEnabled(bool(self._session.pipeline.roots))
        self["clear_filter"].setEnabled(bool(shown.filter_text or shown.fixed_caption))
        self["save_filter"].setEnabled(bool(shown.filter_text.strip()))
        self["find_similar"].setEnabled(self._session.focus.current is not None)
        can_compare = len(self._session.photos) > 0 and not self._duplicates.is_busy
        self["find_duplicates"].setEnabled(can_compare)
        self["show_facets"].setChecked(not self._facets.isHidden())

    def _find_similar(self) -> None:
        current = self._session.focus.current
        if current is not None and not self._duplicates.tell_if_impossible():
            self._session.find_similar(current)

    def _show_facets(self, on: bool) -> None:  # Qt would not pass the state to one of its methods
        self._facets.setVisible(on)
