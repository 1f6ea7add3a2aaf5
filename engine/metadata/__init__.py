"""What other programs read and wrote about a photo: XMP, IPTC and EXIF. Light.

Reading it, and merging labels into it so that whatever others wrote stays.
Not here: which labels are written, the journal of what was written; pixels (``data.decoding``).
Start at ``xmp.py`` (one packet) and ``sidecars.py`` (its file).
"""
