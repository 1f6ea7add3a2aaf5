"""Maps and numbers that say why: arithmetic on position scores. Light.

Every kind of map, rectangles and spots, hidden parts, colours, and whole pictures of them.
Not here: running the model; its position scores come from ``inference``.
Start at ``evidence.py``.
"""
