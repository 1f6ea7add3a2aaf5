"""Showing where a label was seen: maps over the photo, their panel, studies, exports.

What maps are drawn from, what is compared, how the photo and its maps are shown and saved.
Not here: the arithmetic of maps and their colours (``engine.explain``).
Start at ``source.py`` (which scores) and ``viewer_panel.py`` (where they are shown).
"""
