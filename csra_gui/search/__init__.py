"""Finding photos: the filter line, the counts beside it, saved filters, the orders.

A click on a count changes the text of the filter; the text is the only truth.
Not here: the language of filters (``engine.library.filters``) and which photos are shown
(``session``).
Start at ``search_panel.py`` and ``filter_terms.py``.
"""
