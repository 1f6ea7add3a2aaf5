"""What is kept on the disk: models and what is known of them, evaluations, trainings. Light.

Folders with a record each, listed, checked, noted and deleted in one way.
Not here: reading weights (``checkpoints``).
Start at ``folders.py`` (the store), ``evaluations.py`` and ``models.py``.
"""
