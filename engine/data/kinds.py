"""Kinds of files by their ending: what is a photo, and what is counted when it is left out.

The one table of both. A file is never opened to tell its kind: on a server, a hundred thousand
openings are minutes. So a file without an ending is no photo unless it is named, and one with a
wrong ending is told by the decoder, which looks at its first bytes anyway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

#: Photos of phones, read through pi-heif.
HEIF_SUFFIXES: frozenset[str] = frozenset({".heic", ".heif", ".hif", ".heics", ".heifs"})

#: RAW photos, read through rawpy.
RAW_SUFFIXES: frozenset[str] = frozenset(
    {".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".dng", ".raf", ".orf", ".ori"}
    | {".rw2", ".rwl", ".pef", ".srw", ".3fr", ".fff", ".iiq", ".mef", ".mrw", ".erf", ".kdc"}
    | {".dcr", ".x3f", ".gpr"}
)

#: JPEG XL, if the extra is installed that reads it.
JXL_SUFFIXES = frozenset({".jxl"} if find_spec("pylibjxl") else ())

#: Endings that a scan takes for pictures: lower case, each with its dot as ``Path.suffix`` has it.
IMAGE_SUFFIXES: frozenset[str] = (
    frozenset(
        {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".tif", ".tiff"}
        | {".bmp", ".dib", ".gif", ".avif", ".avifs"}
    )
    | HEIF_SUFFIXES
    | RAW_SUFFIXES
    | JXL_SUFFIXES
)

# Pictures, films and drawings. What is a picture above counts as one although it stands here too.
# Side files of photos (.xmp, .aae, .thm, .txt, .json, .csv, .db, .ini) are none of these.
_PICTURES = (
    "heic heics heif heifs hif jxl jp2 j2k jpf jpx jpm j2c jxr hdp wdp jls jxs ico icns cur tga "
    "psd psb xcf kra ora clip afphoto pdd exr hdr qoi pcx pbm pgm ppm pnm pam pfm xbm xpm sgi dds "
    "fits dcm djvu flif bpg svs ndpi mng pct pict"
)
_RAWS = (
    "3fr ari arw bay braw cap cr2 cr3 crw cs1 dcr dcs dng drf eip erf fff gpr iiq k25 kdc lri mdc "
    "mef mos mrw nef nrw orf ori pef ptx pxn raf raw rw2 rwl rwz sr2 srf srw x3f"
)
_FILMS = (
    "mov mp4 m4v avi mkv webm mpg mpeg mpe mts m2ts wmv asf flv f4v 3gp 3g2 ogv vob mxf dv divx "
    "insv lrv rm rmvb m2v mjpeg qt"
)
_DRAWINGS = "pdf ai eps svg svgz cdr indd emf wmf afdesign sketch"

# The same kind under other endings.
_NAMES = {"heif": "HEIC", "hif": "HEIC", "heics": "HEIC", "heifs": "HEIC", "jpf": "JP2"} | {
    "j2k": "JP2", "jpx": "JP2", "jpm": "JP2", "j2c": "JP2", "mpeg": "MPG", "mpe": "MPG",
    "m2ts": "MTS", "qt": "MOV", "svgz": "SVG", "pct": "PICT", "m4v": "MP4",
}  # fmt: skip
_LEFT_OUT = {
    f".{ending}": _NAMES.get(ending, ending.upper())
    for ending in f"{_PICTURES} {_RAWS} {_FILMS} {_DRAWINGS}".split()
    if f".{ending}" not in IMAGE_SUFFIXES
}
_MOST_NAMED = 6


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that a scan came upon and that cannot be opened because of its kind.

    Attributes:
        path: of the file.
        kind: "HEIC", in capitals.
    """

    path: Path
    kind: str


def ending_of(name: str) -> str:
    """The ending of a file's name in lower case, as ``Path.suffix`` has it but quicker."""
    dot = name.rfind(".")
    return name[dot:].lower() if 0 < dot < len(name) - 1 else ""


def is_picture(name: str) -> bool:
    """Whether a file of this name is taken for a picture."""
    # "._x.jpg" is what a Mac puts beside x.jpg on foreign disks: no picture, only its attributes.
    return ending_of(name) in IMAGE_SUFFIXES and not name.startswith("._")


def left_out_kind(name: str) -> str:
    """The kind of a file that cannot be opened; empty if it is a photo or nothing to look at."""
    kind = _LEFT_OUT.get(ending_of(name), "")
    return "" if name.startswith("._") else kind


def kinds_text(files: Iterable[LeftOut]) -> str:
    """How many of which kind, the most first: "3 MOV, 2 PSD"; empty if there are none."""
    return _counted(Counter(file.kind for file in files))


def names_by_kind_text(names: Iterable[str]) -> str:
    """How many files of which kind, by their names: "3 HEIC, 2 JPG"."""
    endings = (ending_of(name)[1:] for name in names)
    return _counted(Counter(_NAMES.get(x, x.upper()) or "without an ending" for x in endings))


def _counted(counts: Counter[str]) -> str:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if len(ranked) > _MOST_NAMED:
        rest = ranked[_MOST_NAMED - 1 :]
        total = sum(count for _, count in rest)
        ranked[_MOST_NAMED - 1 :] = [("others", total)]
    return ", ".join(f"{count:,} {kind}" for kind, count in ranked)


def left_out_text(files: Iterable[LeftOut]) -> str:
    """The same as a sentence: "5 files left out: 3 MOV, 2 PSD."; empty if there are none."""
    files = tuple(files)
    if not files:
        return ""
    noun = "file" if len(files) == 1 else "files"
    return f"{len(files):,} {noun} left out: {kinds_text(files)}."
