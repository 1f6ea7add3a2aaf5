"""Model files: ours, those of the official code, ONNX; reading them runs no code.

One door in, checks of hostile files, import and export.
Not here: the list of models (``records``) and fetching them (``downloads``).
Start at ``loading.py``.
"""
