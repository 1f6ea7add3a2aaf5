"""Which photos a job may be about: those selected, shown or open."""

from __future__ import annotations

import numpy as np

from csra_gui.session.session import Session
from engine.library.columns import IntArray


def photo_scopes(session: Session) -> list[tuple[str, IntArray]]:
    """What can be chosen, for people, and the rows of the photos; the likeliest first."""
    shown: IntArray = session.shown.rows
    everything = np.flatnonzero(~session.photos.gone)
    selected = np.array(session.selection, dtype=np.int64)
    scopes: list[tuple[str, IntArray]] = []
    if len(selected) > 1:
        scopes.append((f"The {len(selected):,} photos selected", selected))
    if len(shown):
        text = "The photo shown" if len(shown) == 1 else f"All {len(shown):,} photos shown"
        scopes.append((text, shown))
    if len(everything) != len(shown):
        scopes.append((f"All {len(everything):,} photos that are open", everything))
    # One photo always is: seldom is it meant alone.
    if len(selected) == 1 and len(shown) != 1:
        scopes.append(("The photo selected", selected))
    return scopes
