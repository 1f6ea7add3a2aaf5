"""Looking at photos: grid, list, large, compared, whole screen; folders and thumbnails.

Views with their item models and delegates, loading of images, the folder tree and watching it.
Not here: what is said of photos (``review``) and where labels were seen (``maps``).
Start at ``feature.py``; pictures come by ``image_loader.py``.
"""
