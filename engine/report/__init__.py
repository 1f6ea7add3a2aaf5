"""An evaluation as numbers and as a page of its own. Light.

What the pages show is computed here; what they look like is in the templates of
``resources/report``, one for each section. Not here: measuring.
Start at ``numbers.py`` and ``page.py``.
"""
