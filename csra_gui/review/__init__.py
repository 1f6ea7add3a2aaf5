"""What a person says of labels: accept, reject, add, for one photo or many.

The label panel with its list, keys and favourites, bulk edits, progress of a review.
Not here: how decisions are kept and undone (``session.decisions``).
Start at ``controller.py`` and ``labels_panel.py``.
"""
