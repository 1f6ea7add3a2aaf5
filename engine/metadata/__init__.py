"""What other programs read and wrote about a photo: XMP, IPTC and EXIF. Light.

Reading it, and merging labels into it so that whatever others wrote stays.
Not here: which labels are written, the journal of what was written; pixels (``data.decoding``).
Start at ``reading.py`` (all of a photo), ``sidecars.py`` (a file) and ``xmp.py`` (one packet).
"""
