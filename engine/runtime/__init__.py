"""Where and in which precision a model runs."""
