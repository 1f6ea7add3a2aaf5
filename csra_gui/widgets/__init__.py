"""Reusable parts that know values, not the session.

The photo view with its overlay, message bar, activity bar, tables and sliders.
Not here: a part that only one feature uses, or that reaches for the session.
Start at ``photo_view.py`` and ``message_bar.py``.
"""
