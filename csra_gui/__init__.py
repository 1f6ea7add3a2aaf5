"""The desktop application: PySide6, and never torch, not even indirectly.

Rooms by feature; each owns its views, dialogs, item models, controller, actions and texts.
Not here: anything that another front end could use too; that is the engine's.
Start at ``app.py`` (what is made, in which order) and ``main_window.py`` (what is placed where).
"""
