"""The same work on many machines: photos tagged and models measured by the actors of a Ray cluster.

Ray Data has the queue, the pool of workers and the restarts; here is what a worker does, how a job
is kept so that it can be gone on with, and what came of it. Ray is an extra: it is imported when
a cluster is asked for.
Not here: what a person may type (``engine.cli``), the columns of the rows (``engine.records``).
Start at ``tagging.py`` and ``running.py``.
"""
