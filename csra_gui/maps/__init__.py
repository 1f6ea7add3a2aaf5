"""Showing where a label was seen: maps over the photo, their panel, studies, exports.

What maps are drawn from, what is compared, how the photo and its maps are shown and saved.
Not here: the arithmetic of maps and their colours (``engine.explain``).
Start at ``feature.py``; ``source.py`` says which scores, ``viewer_panel.py`` shows them.
"""
