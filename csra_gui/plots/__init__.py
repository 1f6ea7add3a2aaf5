"""Plots as small widgets that know values: curves, bars, matrices; each can be saved and copied."""
