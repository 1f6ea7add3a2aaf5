"""Finding, decoding and reading images and data sets."""
