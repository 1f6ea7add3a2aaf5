"""Taking over labels that are in files already: keywords of photos, lists and data sets.

Reading says which names there are and on which photos; a mapping says which label each means;
only then the library is told, with the file as the source.
Scores that were made elsewhere come in by ``tags.py``, a batch at a time.
Not here: reading a single photo's metadata, and the formats of data sets.
Start at ``job.py`` and ``mapping.py``.
"""
