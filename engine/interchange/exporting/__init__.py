"""Writing what the library knows of photos as files and folders for other programs.

One module per format. What is written here, ``data.datasets`` reads back as it was.
Not here: keywords in or beside the photos themselves.
Start at ``job.py`` and ``formats.py``.
"""
