#!/bin/sh
# How the files here were made: heif-enc of Debian 12 (libheif-examples 1.15.1, x265), from the gradient of
# tests/engine/images.py and, for cat.heic, from a sample photo. Turned, cut and hostile ones are made of them
# by tests/engine/heif_files.py.  Use: sh tests/data/heif/make.sh, in the root of the repository.
set -e
here=tests/data/heif; t=$(mktemp -d); trap 'rm -rf "$t"' EXIT
python - "$t" <<'PY'
import struct, sys, zlib
from pathlib import Path
import numpy as np
from PIL import Image
from tests.engine.images import gradient, swapped_profile

t = Path(sys.argv[1])
pixels = gradient()
Image.fromarray(pixels).save(t / "plain.png")
Image.fromarray(pixels[:, ::-1]).save(t / "second.png")
Image.fromarray(pixels).save(t / "profile.png", icc_profile=swapped_profile())
alpha = np.zeros(pixels.shape[:2], np.uint8)
alpha[:, :48] = 255
Image.fromarray(np.dstack([pixels, alpha])).save(t / "alpha.png")
Image.open("resources/samples/cat.jpg").resize((320, 214)).save(t / "cat.png")
exif = Image.Exif()
exif.update({0x0112: 6, 0x010F: "Test", 0x0110: "Camera", 0x0132: "2024:05:01 12:30:00"})
Image.fromarray(pixels).save(t / "exif.jpg", quality=98, subsampling=0, exif=exif)
# Pillow writes no PNG of 16 bits in colour.
deep = (pixels.astype(">u2") * 257).astype(">u2")
rows = b"".join(b"\0" + row.tobytes() for row in deep)
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
head = struct.pack(">IIBBBBB", 96, 64, 16, 2, 0, 0, 0)
png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
(t / "deep.png").write_bytes(png)
PY
make() { out=$1; shift; heif-enc -q 90 -p chroma=444 -o "$here/$out" "$@" >/dev/null; }
make plain.heic "$t/plain.png"
make profile.heic "$t/profile.png"
make alpha.heic "$t/alpha.png"
make deep.hif -b 10 "$t/deep.png"
make turned-exif.heic "$t/exif.jpg"
make two.heif "$t/plain.png" "$t/second.png"
heif-enc -q 40 -o "$here/cat.heic" "$t/cat.png" >/dev/null
