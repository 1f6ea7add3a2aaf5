"""Multi-label recognition with class-specific residual attention; usable without a window."""
