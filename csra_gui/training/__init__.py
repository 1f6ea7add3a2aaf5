"""Training and teaching in the window: what is asked, progress, what came of it.

Imported when first used; one thing learns at a time, in an engine process of its own.
Not here: learning (``engine.train``, ``engine.teach``).
Start at ``controller.py`` and ``runner.py``.
"""
