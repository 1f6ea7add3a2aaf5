"""Writes of each kind, killed at each system call that they make, and in which order they make them."""
