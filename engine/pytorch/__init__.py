"""Running a model with PyTorch: devices, memory, several processes.

Not here: networks (``models``), what is done with their answers (``inference``, ``evaluation``).
Start at ``torch_backend.py``.
"""
