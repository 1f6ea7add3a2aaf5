"""Choosing, downloading, importing, exporting and removing models.

The Models dialog, the work on model files, one piece at a time, and its messages.
Not here: the model in use (``session.active_model``) and model files themselves (the engine).
Start at ``controller.py`` and ``manager.py``.
"""
