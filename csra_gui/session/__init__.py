"""What is open now: photos, scores, decisions, the model, and the work done on them.

Each part says its facts by its own signals; ``Session`` makes them and joins them.
Not here: widgets, dialogs, and sentences for people.
Start at ``session.py``, then ``photo_table.py`` (the columns) and ``pipeline.py`` (the work).
"""
