"""Readers of labelled data sets: VOC, COCO, Open Images, folders, tables and others.

Each returns the same ``LabelledImages``; the registry knows them by name.
Not here: opening of images, and anything that learns.
Start at ``registry.py`` and ``labelled.py``.
"""
