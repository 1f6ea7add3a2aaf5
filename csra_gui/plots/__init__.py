"""Curves, bars and matrices as widgets that know values.

They follow the palette, can be copied and saved; pyqtgraph is imported with the first one.
Not here: what the numbers mean; that is the business of evaluation and training.
Start at ``base.py``.
"""
