"""Labels that other programs read, and theirs that are read here.

Not here: readers of labelled data sets (``data.datasets``), XMP itself (``metadata``).
Start at ``exporting/job.py``.
"""
