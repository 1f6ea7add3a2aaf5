"""What every room may use: jobs, settings, actions, shortcuts, icons, theme, paths.

Small tools that know neither the session nor any widget of ours; the lowest room.
Not here: anything that knows what a photo or a label is.
Start at ``jobs.py`` (work off the GUI thread) and ``settings.py`` (what is remembered).
"""
