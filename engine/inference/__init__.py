"""A model over many images: devices, batches, memory, processes.

Decodes ahead, batches, yields one prediction per image, in order.
Not here: maps and metrics.
Start at ``predict.py``.
"""
