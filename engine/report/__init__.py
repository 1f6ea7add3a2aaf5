"""An evaluation as numbers and as a page of its own. Light.

The HTML page, its tables, figures and galleries, comparison with published results.
Not here: measuring.
Start at ``numbers.py`` and ``page.py``.
"""
