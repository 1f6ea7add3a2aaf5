"""Opening pictures that may be damaged or hostile, in child processes with limits.

One picture that crashes, hangs or bursts costs itself and nothing else.
Not here: which files are looked for (``scan``).
Start at ``decode.py`` (what is done) and ``pool.py`` (where).
"""
