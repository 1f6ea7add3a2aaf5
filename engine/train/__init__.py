"""Training: long work as a generator of reports, resumed to the bit.

The whole network or only heads; what is drawn depends on seed, epoch and image alone.
Not here: what a window asks and hears (``api.training``).
Start at ``session.py`` (``run_training``), then ``trainer.py``.
"""
