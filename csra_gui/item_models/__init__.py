"""Qt models over the session's values."""
