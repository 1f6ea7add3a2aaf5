"""Maps in the window: what they are drawn from, what is compared, and how they are drawn."""
