"""Saving what is left of a damaged library: its pages read one by one, and copies beside it.

Reads files that nobody has open; SQLite is asked only about the copies and the new file.
Not here: opening a sound library, and choosing what is done (``opening``, ``csra_gui.library``).
Start at ``rebuilding.py``.
"""
