"""What a process that opens files of strangers may still do: little, and the system sees to it.

Rights that are given up for good, and messages of such a process as bytes that nobody believes yet.

Not here: pictures, models, or what a message means; and nothing beyond the standard library.
Start at ``confinement.py``.
"""
