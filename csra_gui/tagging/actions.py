"""Tagging photos, once and again."""

from __future__ import annotations

from typing_extensions import override

from csra_gui.base.actions import ActionSpec, FeatureActions
from csra_gui.session.session import Session
from csra_gui.tagging.controller import TaggingController

_TAG, _CONTINUE = "&Tag untagged photos", "&Continue tagging"

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("tag", _TAG, ("Ctrl+T",), "play", short="Tag photos"),
    ActionSpec("pause", "&Pause tagging", ("Ctrl+P",), "pause", "Stop, to continue later."),
    ActionSpec(
        "cancel",
        "&Cancel",
        ("Ctrl+.",),
        "cancel",
        "Stop looking for photos, or tagging them; what is done stays.",
    ),
    ActionSpec(
        "retag",
        "Tag a&gain…",
        ("Ctrl+Shift+T",),
        "refresh",
        "Tag photos that have labels, and see what would change before it counts.",
    ),
    ActionSpec("show_problems", "Show &unreadable photos…", (), "warning"),
    ActionSpec("show_left_out", "Show files left &out…", (), "eye-off"),
)


class TaggingActions(FeatureActions):
    """Running the model over the photos."""

    def __init__(self, session: Session, controller: TaggingController) -> None:
        super().__init__(ACTIONS, controller)
        self._session, pipeline = session, session.pipeline
        self.connect_slots(
            {
                "tag": pipeline.tag,
                "pause": session.tagger.pause,
                "cancel": pipeline.cancel,
                "retag": controller.ask_retag,
                "show_problems": controller.show_problems,
                "show_left_out": controller.show_left_out,
            }
        )
        self.refresh_on(
            pipeline.photos_reset,
            pipeline.photos_added,
            pipeline.scan_started,
            pipeline.scan_finished,
            session.tagger.started,
            session.tagger.finished,
            pipeline.predictions_changed,
            pipeline.looked_up,
            pipeline.settling_started,
            pipeline.tagging_called_off,
            session.models.state_changed,
        )

    @override
    def refresh(self) -> None:
        session = self._session
        photos, pipeline, tagger = session.photos, session.pipeline, session.tagger
        is_busy = tagger.is_running or pipeline.is_scanning
        may_start = session.models.model is not None and not is_busy
        self["tag"].setText(_CONTINUE if tagger.is_paused else _TAG)
        self["tag"].setEnabled(may_start and photos.has_untagged)
        self["pause"].setEnabled(tagger.is_running and not tagger.is_held_back)
        self["cancel"].setEnabled(pipeline.can_cancel)
        self["retag"].setEnabled(may_start and len(photos) > 0 and not pipeline.is_looking_up)
        self["show_problems"].setEnabled(bool(photos.errors or pipeline.skipped))
        self["show_left_out"].setEnabled(bool(pipeline.left_out))
