"""Measuring a model in the window: what to measure, the queue, the results.

Imported when first used. Numbers are worked out without Qt in ``analysis.py`` and ``cases.py``.
Not here: metrics and kept runs (``engine.metrics``, ``engine.records``).
Start at ``controller.py`` and ``result_window.py``.
"""
