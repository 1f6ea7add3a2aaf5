"""How good scores and maps are: pure NumPy. Light.

AP, precision, recall and F1 as in the paper, intervals, calibration, thresholds, pointing games.
Not here: running a model, and words about numbers (``report``).
Start at ``report.py`` and ``ranking.py``.
"""
