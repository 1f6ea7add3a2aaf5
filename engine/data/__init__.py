"""Finding images and opening them safely; labelled data sets. Light.

``scan.py`` finds photos, ``decoding`` opens them in child processes, ``datasets`` reads labels.
Not here: tensors and augmentation (``train``).
Start at ``scan.py``.
"""
