"""Reusable widgets; they know values, not the session."""
