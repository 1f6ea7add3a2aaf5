"""What every room may use: jobs, activities, questions, settings, actions, icons, theme.

Small tools that know neither the session nor any widget of ours; the lowest room.
Not here: anything that knows what a photo or a label is.
Start at ``jobs.py`` (work off the GUI thread), ``ask.py`` and ``settings.py``.
"""
