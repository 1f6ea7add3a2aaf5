"""What a front end may ask of the engine, and the values that cross the border. Light.

The Protocol, configs, requests, reports, errors: frozen, of text, numbers, paths and arrays.
Not here: tensors, Qt, and work; ``RemoteEngine`` only carries questions to a child process.
Start at ``engine.py`` and ``values.py``.
"""
