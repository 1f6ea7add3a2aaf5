"""Writing labels beside photos or into them, where other programs read them, and undoing it.

What others wrote stays; what we wrote is in the library's journal before a file is touched.
Not here: XMP itself (``metadata``), the tables of the journal (``library.written``).
Start at ``job.py`` and ``plan.py``; of photos themselves at ``embedding.py``.
"""
