"""ExifTool as a program of its own: found, checked, and kept running for many files.

Nothing that a file or its name holds acts: the person's configuration of ExifTool is off, names
reach it as they are only where they are plain, and what it must not have is never an option.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import IO, Any, Self

from engine.isolation.time_left import TimeLeft
from engine.metadata.errors import MetadataError
from engine.texts import display_text

#: Older ones run a command that a file's name can hold (CVE-2022-23935).
MIN_VERSION = (12, 38)
_NAME = "exiftool"
_PREFIX = "csra-exiftool-"
_LITTER_AGE_S = 24 * 3600.0
_START_S = 20.0
_TIMEOUT_S = 60.0
_END_S = 2.0
_INSTALL = {
    "win32": "Install it from exiftool.org",
    "darwin": "Install it from exiftool.org, or with “brew install exiftool”",
}
_INSTALL_ELSEWHERE = (
    "Install it with your system's packages (libimage-exiftool-perl on Debian and Ubuntu, "
    "perl-Image-ExifTool on Fedora)"
)
# ExifTool would wait for ever for a program that was killed. This ends it when the pipe closes
# that only the program holds open, however that came.
_GUARD = (
    'exec 4<&0; "$@" <&4 4<&- & child=$!; exec 4<&- </dev/null >/dev/null 2>&1; '
    'read -r line <"/dev/fd/$LIFELINE"; kill -9 $child'
)


class ExifToolError(MetadataError):
    """ExifTool did not do what it was asked to."""


class NoExifToolError(ExifToolError):
    """ExifTool is not there, or too old."""


def install_hint() -> str:
    """How to get it, as the beginning of a sentence."""
    return _INSTALL.get(sys.platform, _INSTALL_ELSEWHERE)


def find_exiftool(wanted: str = "") -> Path:
    """Where ExifTool is.

    Args:
        wanted: where the person says that it is; empty: where programs are.

    Raises:
        NoExifToolError: it is not there, with how to install it.
    """
    found = shutil.which(wanted or _NAME)
    if found is not None:
        return Path(found).absolute()
    where = f"“{display_text(wanted)}” is no program" if wanted else "ExifTool is not installed"
    raise NoExifToolError(
        f"{where}, and labels are written into photos through ExifTool. {install_hint()}, or write "
        "the labels beside the photos."
    )


def check_exiftool(wanted: str = "") -> str:
    """The version of the ExifTool that is there.

    Raises:
        NoExifToolError: it is not there, does not run, or is too old.
    """
    with ExifTool(wanted) as tool:
        return tool.version()


class ExifTool:
    """One ExifTool that is asked many things; use it as a context manager, in one thread at a time.

    It is started by the first question, and again by the next one after it was lost.
    """

    def __init__(self, wanted: str = "", *, timeout_s: float = _TIMEOUT_S) -> None:
        """Prepare it.

        Args:
            wanted: as ``find_exiftool`` has it.
            timeout_s: seconds that one question may take.
        """
        self._wanted = wanted
        self._timeout_s = timeout_s
        self._process: _Process | None = None
        self._is_checked = False
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it at once."""
        self._end()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def version(self) -> str:
        """Its version, of which is made sure that it will do.

        Raises:
            NoExifToolError: as ``check_exiftool``.
        """
        try:
            text = self._ask(["-ver"], _START_S)[0].decode("ascii", "replace").strip()
            found = tuple(int(part) for part in text.split(".")[:2])
        except (NoExifToolError, ValueError, ExifToolError) as error:
            if isinstance(error, NoExifToolError):
                raise
            raise NoExifToolError(
                f"“{display_text(self._wanted or _NAME)}” does not answer as ExifTool does. "
                f"{install_hint()}, or write the labels beside the photos."
            ) from error
        if found < MIN_VERSION:
            raise NoExifToolError(
                f"ExifTool {display_text(text)} is too old to be safe: "
                f"{'.'.join(map(str, MIN_VERSION))} or later is needed. {install_hint()}."
            )
        self._is_checked = True
        return text

    def read(self, options: Sequence[str], *paths: Path) -> list[dict[str, Any]]:
        """What files say, in their order; numbers are texts as ExifTool writes them.

        Raises:
            ExifToolError: it could not read them.
        """
        with self._plain(paths) as names:
            out, _ = self._checked(["-j", *options, *names])
        try:
            found = json.loads(out.decode("utf-8", "replace"), parse_float=str, parse_int=str)
        except ValueError:
            found = []
        if not isinstance(found, list) or len(found) != len(paths):
            raise ExifToolError("ExifTool could not read it.")
        return found

    def rewrite(
        self, source: Path, target: Path, options: Sequence[str], packet: bytes | None = None
    ) -> None:
        """Write a file anew, changed, under a name that nothing has yet; the source stays.

        Args:
            source: the file.
            target: the new one, in the same folder.
            options: what to change.
            packet: XMP that takes the place of what is there.

        Raises:
            ExifToolError: it did not; why is in the message. Nothing is left of the target.
        """
        with self._plain((source, target.parent)) as (old, folder):
            block = Path(self._own_folder(), "packet.xmp")
            if packet is not None:
                block.write_bytes(packet)
                # By its group: else EXIF, where XMP may lie in a TIFF, is written anew as well.
                options = [f"-XMP:XMP<={_unformatted(str(block))}", *options]
            new = _unformatted(str(Path(folder, target.name)))
            try:
                _, said = self._checked([*options, "-o", new, old])
                if not target.is_file():
                    raise ExifToolError(_reason(said))
            except BaseException:
                self._end()  # it may be at it still
                target.unlink(missing_ok=True)
                raise

    @contextlib.contextmanager
    def _plain(self, paths: Sequence[Path]) -> Generator[list[str], None, None]:
        """Names that mean nothing to ExifTool: of links in a folder of ours.

        Windows lets hardly anyone make links, but no name there holds what could do harm.
        """
        if os.name == "nt":
            yield [str(path.absolute()) for path in paths]
            return
        links = []
        try:
            for number, path in enumerate(paths):
                ending = path.suffix if re.fullmatch(r"\.\w+", path.suffix, re.ASCII) else ""
                links.append(Path(self._own_folder(), f"photo{number}{ending}"))
                links[-1].symlink_to(path.absolute())
            yield list(map(str, links))
        finally:
            for link in links:
                link.unlink(missing_ok=True)

    def _own_folder(self) -> str:
        if self._folder is None:
            _sweep()
            self._folder = tempfile.TemporaryDirectory(prefix=_PREFIX)
        return self._folder.name

    def _checked(self, arguments: Sequence[str]) -> tuple[bytes, bytes]:
        if not self._is_checked:
            self.version()
        return self._ask(arguments, self._timeout_s)

    def _ask(self, arguments: Sequence[str], timeout_s: float) -> tuple[bytes, bytes]:
        if any("\n" in argument or "\r" in argument for argument in arguments):
            raise ExifToolError("What is to be written has line breaks, and was not written.")
        if self._process is None:
            self._process = _Process(find_exiftool(self._wanted))
        try:
            return self._process.ask(arguments, timeout_s)
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end()


class _Process:
    """A running ExifTool and two threads that read what it says."""

    def __init__(self, program: Path) -> None:
        command = [str(program), "-config", "", "-stay_open", "True", "-@", "-"]
        lifeline, self._lifeline = os.pipe() if os.name != "nt" else (-1, -1)
        try:
            self._process = _started(command, lifeline)
        except OSError as error:
            if self._lifeline >= 0:
                os.close(self._lifeline)
            raise NoExifToolError(
                f"ExifTool could not be started: {error.strerror or error}."
            ) from error
        finally:
            if lifeline >= 0:
                os.close(lifeline)
        self._number = 0
        self._out = _Stream(self._process.stdout)
        self._said = _Stream(self._process.stderr)

    def ask(self, arguments: Sequence[str], timeout_s: float) -> tuple[bytes, bytes]:
        """What it writes to its output, and beside it."""
        self._number += 1
        mark = f"{{ready{self._number}}}"
        lines = [*arguments, "-charset", "filename=UTF8", "-echo4", mark, f"-execute{self._number}"]
        stdin = self._process.stdin
        try:
            if stdin is not None:
                stdin.write(b"".join(os.fsencode(line) + b"\n" for line in lines))
                stdin.flush()
        except OSError as error:
            raise ExifToolError("ExifTool was ended by something else.") from error
        left = TimeLeft(timeout_s)
        return self._out.until(mark.encode(), left), self._said.until(mark.encode(), left)

    def end(self) -> None:
        """Kill it."""
        if self._lifeline >= 0:
            os.close(self._lifeline)
        else:
            self._process.kill()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def _started(command: list[str], lifeline: int) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    if lifeline < 0:
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)
    return subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "sh", *command],
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        pass_fds=(lifeline,),
        env={**os.environ, "LIFELINE": str(lifeline)},
        # Ctrl+C in a terminal is for us: the file at hand is still ended.
        start_new_session=True,
    )


class _Stream:
    """What a process writes, read by a thread, so that one need not wait for ever."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        self._chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._left = b""
        if stream is not None:
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def until(self, mark: bytes, left: TimeLeft) -> bytes:
        """Everything before a mark, which has a line for itself."""
        found = bytearray(self._left)
        while (place := _line(found, mark)) < 0:
            turn = left.turn()
            try:
                chunk = self._chunks.get(timeout=turn)
            except queue.Empty:
                if turn:
                    continue
                raise ExifToolError("ExifTool took too long.") from None
            if not chunk:
                raise ExifToolError("ExifTool ended before it was done.")
            found += chunk
        self._left = bytes(found[place + len(mark) :]).lstrip(b"\r\n")
        return bytes(found[:place])

    def _read(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(stream.fileno(), 1 << 16):
                self._chunks.put(chunk)
        self._chunks.put(b"")


def _line(found: bytearray, mark: bytes) -> int:
    """Where the mark begins that ends what was found, or -1."""
    place = found.rfind(mark, max(0, len(found) - len(mark) - 2))
    return place if not found[place + len(mark) :].strip(b"\r\n") else -1


def _sweep() -> None:
    """Remove folders of ours that a killed program left; one in use is changed all the time."""
    for folder in Path(tempfile.gettempdir()).glob(_PREFIX + "*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.lstat().st_mtime > _LITTER_AGE_S:
                shutil.rmtree(folder)


def _unformatted(name: str) -> str:
    """A name in which ExifTool would see codes such as %f."""
    return name.replace("%", "%%")


def _reason(said: bytes) -> str:
    """The first fault that it names, without the names of files."""
    lines = said.decode("utf-8", "replace").splitlines()
    faults = [line.partition(":")[2].strip() for line in lines if line.startswith("Error")]
    text = (faults or [""])[0].rpartition(" - ")[0] or (faults or ["nothing was written"])[0]
    return f"ExifTool says: {display_text(text.removeprefix('[minor] '))}"
