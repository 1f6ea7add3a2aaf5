"""The frame around the features: menus, keys, settings, log, drops, the status bar.

Places the actions that features made; owns only those of the window itself and of help.
Not here: what an action does.
Start at ``menus.py``.
"""
