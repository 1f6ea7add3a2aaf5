"""Labels that other programs read: asking what to write where, and the work on it.

Not here: formats and files themselves (``engine.interchange``).
Start at ``feature.py``.
"""
