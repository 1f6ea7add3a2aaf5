"""Teaching a model from a person's own photos: single categories, on cached features."""
