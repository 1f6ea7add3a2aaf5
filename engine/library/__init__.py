"""The user's photos, scores and decisions in one SQLite file. Light.

Opening with lock, check and migrations; reading as columns; writing with a journal for undo.
Not here: scores of a running model and what is shown.
Start at ``store.py`` (``Library``) and ``schema.py``.
"""
