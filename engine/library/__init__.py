"""The user's library: photos, scores and decisions in one SQLite file."""
