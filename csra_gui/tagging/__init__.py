"""Tagging the open photos: what is said while it runs, and tagging again.

Actions, the question what to tag again, the difference before it counts, and the problems.
Not here: the run itself, which is ``session``'s.
Start at ``controller.py``.
"""
