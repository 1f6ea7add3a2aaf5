"""Evaluating models in the window: what is asked, what goes on, and what came of it."""
