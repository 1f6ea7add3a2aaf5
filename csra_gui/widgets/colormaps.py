"""The engine's colour scales, where widgets look for them."""

from engine.explain.colormaps import LEVELS, ColorMapName, lookup_table

__all__ = ["LEVELS", "ColorMapName", "lookup_table"]
