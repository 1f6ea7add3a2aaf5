"""The network: backbones, heads with residual attention, both together.

The registry of backbones, ImageNet weights, other input sizes, taggers without training.
Not here: files (``checkpoints``) and images (``data``).
Start at ``heads.py`` (the method) and ``registry.py``.
"""
