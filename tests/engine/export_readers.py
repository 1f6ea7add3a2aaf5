"""What reads the formats that are exported."""

from __future__ import annotations

#: Format → kind of data set, and which split of it.
READERS = {
    "csv": ("folder", "all"),
    "jsonl": ("folder", "all"),
    "coco": ("cocojson", "all"),
    "voc": ("vocxml", "trainval"),
    "official": ("json", "trainval"),
    "folders": ("folder", "all"),
    "imagefolder": ("imagefolder", "all"),
    "fiftyone": ("fiftyone", "all"),
}
