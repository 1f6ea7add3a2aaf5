"""Training: long work as a generator of reports.

``reports``, ``request`` and ``control`` are light and may be used by a window; the rest needs
torch.
"""
