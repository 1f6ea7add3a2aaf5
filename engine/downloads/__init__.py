"""Fetching model files: resumed, checked, cancelled at once. Light.

Odd answers, part files, hashes, pages of Google Drive.
Not here: which files there are (``records.catalogue``).
Start at ``download.py``.
"""
