"""Training in the window: what is asked, what is shown while it goes on, and what came of it."""
