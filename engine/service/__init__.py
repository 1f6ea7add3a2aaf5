"""The engine itself: in this process, or serving one that asks.

``LocalEngine`` answers every question of ``api``; the server is what a child process runs.
Not here: how questions travel (``api.remote``) and how they are answered (the rooms below).
Start at ``local.py``.
"""
