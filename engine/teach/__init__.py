"""Teaching a model from a person's own photos: single categories, on kept features.

Old categories stay to the bit; the backbone is never touched.
Not here: training of whole networks (``train``).
Start at ``teaching.py``.
"""
