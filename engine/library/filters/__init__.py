"""The filter language: text to tree, tree to rows, and completion of what is typed.

A filter is evaluated on columns, for all photos at once.
Not here: SQL, and the filter line as a widget.
Start at ``parser.py``.
"""
