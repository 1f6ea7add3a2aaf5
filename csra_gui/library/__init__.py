"""What is said when the library of photos cannot be opened, and its repair.

Messages, the repair dialog, trying again.
Not here: reading and writing it (``session.library_client``, ``engine.library``).
Start at ``controller.py``.
"""
