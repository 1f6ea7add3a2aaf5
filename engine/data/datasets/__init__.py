"""Readers of labelled data sets: VOC, COCO, WIDER, folders, tables, the official JSON.

Each returns the same ``LabelledImages``; the registry knows them by name.
Not here: opening of images, and anything that learns.
Start at ``registry.py`` and ``labelled.py``.
"""
