"""Model files: our format and its checks."""
