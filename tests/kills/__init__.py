"""Writes of each kind, killed at each system call that they make, and the order of these."""
