"""A model over labelled images, from a request to a kept run; thresholds learned there. Light.

One share per process; a stopped evaluation goes on where it was.
Not here: metrics (``metrics``) and pages (``report``).
Start at ``job.py`` and ``evaluator.py``.
"""
