"""A program that answers as ExifTool does, but for one fault.

Its fault is in a file ``fault`` beside it; it hands on everything else to ExifTool.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

FAULT = Path(__file__).with_name("fault")


def main() -> None:
    arguments: list[bytes] = []
    for line in sys.stdin.buffer:
        if not line.startswith(b"-execute"):
            arguments.append(line.rstrip(b"\n"))
            continue
        mark = b"{ready" + line.strip().removeprefix(b"-execute") + b"}\n"
        answer(arguments, mark)
        arguments = []


def answer(arguments: list[bytes], mark: bytes) -> None:
    place = arguments.index(b"-echo4")
    del arguments[place : place + 2]
    fault = FAULT.read_text().strip()
    is_write = b"-o" in arguments
    out = b"11.00\n" if fault == "old" and arguments[0] == b"-ver" else b""
    said = b""
    if is_write and fault == "full":
        out, said = b"0 image files updated\n", b"Error: Error writing output file - photo\n"
    if not out:
        if is_write and fault in FAULTS:
            FAULTS[fault](arguments)
        done = subprocess.run(
            [b"exiftool", b"-config", b"", *arguments], check=False, capture_output=True
        )
        out, said = done.stdout, done.stderr
    if is_write and fault in SPOILERS:
        SPOILERS[fault](Path(os.fsdecode(arguments[arguments.index(b"-o") + 1])), arguments)
    write(sys.stdout.fileno(), out + mark)
    write(sys.stderr.fileno(), said + mark)


def write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def hang(_: list[bytes]) -> None:
    time.sleep(60)


def die(_: list[bytes]) -> None:
    sys.exit(3)


def vanish(_: list[bytes]) -> None:
    Path(sys.argv[0]).unlink()
    sys.exit(3)


def cut(target: Path, _: list[bytes]) -> None:
    target.write_bytes(target.read_bytes()[:-9])


def repaint(target: Path, _: list[bytes]) -> None:
    data = bytearray(target.read_bytes())
    data[-40] ^= 0xFF
    target.write_bytes(bytes(data))


def lose_field(target: Path, _: list[bytes]) -> None:
    command = ["exiftool", "-q", "-m", "-overwrite_original", "-XMP-xmp:Rating=", str(target)]
    subprocess.run(command, check=True)


def lose_label(target: Path, _: list[bytes]) -> None:
    command = ["exiftool", "-q", "-m", "-overwrite_original", "-IPTC:Keywords=", str(target)]
    subprocess.run(command, check=True)


def nothing(target: Path, _: list[bytes]) -> None:
    target.unlink()


FAULTS = {"hang": hang, "die": die, "vanish": vanish}
SPOILERS = {
    "cut": cut,
    "repaint": repaint,
    "lose field": lose_field,
    "lose label": lose_label,
    "nothing": nothing,
}


if __name__ == "__main__":
    main()
