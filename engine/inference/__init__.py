"""A model over many images, without PyTorch: graphs, batches, what is kept of photos. Light.

Decodes ahead, batches, yields one prediction per image, in order.
Not here: networks (``models``) and running them with PyTorch (``pytorch``); maps and metrics.
Start at ``predict.py``.
"""
