"""A job in its folder: what was asked, the list of its photos, and the parts that are done.

``_job/job.json`` and ``_job/input.parquet`` are written before any part, so that a job that is
killed has the same parts when it is gone on with. The names of readers' conventions: what begins
with an underscore is no part of a data set.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine import __version__
from engine.api.errors import DataError
from engine.cluster.listing import InputList, ListFacts, write_list
from engine.cluster.places import is_there, joined, names_in, opened, write_whole
from engine.texts import display_text

FOLDER = "_job"
_FORMAT = 1
_PART = re.compile(r"part-(\d{6,})\.parquet")
_LEAST_ROWS, _MOST_ROWS, _USUAL_PARTS = 16, 4096, 1024


@dataclass(frozen=True)
class JobFacts:
    """What must be the same for parts to be of one job.

    Attributes:
        model_id: fingerprint of the model.
        model: its name, for people.
        precision: of its network, as it was asked for.
        threshold: least score of a label, in [0, 1].
        hashes: whether rows have the SHA-256 of their file.
    """

    model_id: str
    model: str
    precision: str
    threshold: float
    hashes: bool


@dataclass(frozen=True)
class Job:
    """A job that is written down.

    Attributes:
        output: its folder, here or on a storage that fsspec opens.
        facts: what was asked.
        photos: how many there are.
        digest: of the list of their paths.
        rows_per_part: how many photos are in each part but the last.
    """

    output: str
    facts: JobFacts
    photos: int
    digest: str
    rows_per_part: int

    @property
    def parts(self) -> int:
        """How many there will be."""
        return -(-self.photos // self.rows_per_part)

    @property
    def list_file(self) -> str:
        """Where the list of its photos is."""
        return _inside(self.output, "input.parquet")

    @property
    def report_file(self) -> str:
        """Where the report goes."""
        return _inside(self.output, "report.json")

    def part_file(self, part: int) -> str:
        """Where a part is, or will be."""
        return joined(self.output, f"part-{part:06d}.parquet")

    def rows_of(self, part: int) -> int:
        """How many photos a part has."""
        return min(self.rows_per_part, self.photos - part * self.rows_per_part)

    def done(self) -> frozenset[int]:
        """The parts that are written."""
        found = map(_PART.fullmatch, names_in(self.output))
        return frozenset(int(match[1]) for match in found if match)


def rows_per_part(photos: int) -> int:
    """How many photos make a part: about a thousand parts, small enough to do one again."""
    return min(max(-(-photos // _USUAL_PARTS), _LEAST_ROWS), _MOST_ROWS)


def begin(output: str, facts: JobFacts, paths: Iterable[str], rows: int = 0) -> Job:
    """Write a new job down.

    Args:
        output: its folder, which need not be there.
        facts: what is asked.
        paths: of its photos; taken once.
        rows: photos in a part; 0 chooses by their number.

    Raises:
        DataError: there are no photos, or it cannot be written.
    """
    with tempfile.TemporaryDirectory() as here:
        listed, known = Path(here, "list"), list[ListFacts]()
        spool = Path(here, "spool")
        if not rows:  # how many photos there are is known once all are listed
            known.append(write_list(spool, paths, _MOST_ROWS))
            rows = rows_per_part(known[0].photos)
            paths = _listed(spool)
        known.append(write_list(listed, paths, rows))
        if not known[-1].photos:
            raise DataError("No photos found. Try --recursive, or name another folder or list.")
        job = Job(output, facts, known[-1].photos, known[-1].digest, rows)
        write_whole(job.list_file, lambda file: _copy(listed, file))
    body = {"format": _FORMAT, "program": f"csra-gui {__version__}", **asdict(job)}
    del body["output"]
    text = json.dumps(body, indent=2) + "\n"
    write_whole(_inside(output, "job.json"), lambda file: _write_text(file, text))
    return job


def find(output: str) -> Job | None:
    """The job that was begun in a folder; ``None`` if there is none.

    Raises:
        DataError: what is there cannot be read, or is something else.
    """
    file = _inside(output, "job.json")
    if not is_there(file):
        others = sorted(name for name in names_in(output) if _PART.fullmatch(name))
        if others:
            raise DataError(
                f"{display_text(output)} has parts of a job that is not written down there. "
                "Name another folder with --output."
            )
        return None
    with opened(file) as stream:
        text = stream.read()
    try:
        body = json.loads(text)
        if body["format"] != _FORMAT:
            raise DataError(f"{display_text(file)} was written by a later version. Update this.")
        return _job(output, body)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise DataError(
            f"{display_text(file)} is damaged. Name another folder with --output."
        ) from error


def check_same(job: Job, facts: JobFacts) -> None:
    """Refuse to go on with a job in another way.

    Raises:
        DataError: something else was asked then; it says what.
    """
    for name, caption in _CAPTIONS.items():
        before, now = getattr(job.facts, name), getattr(facts, name)
        if before != now:
            if name == "model_id":
                before, now = job.facts.model, facts.model
                if before == now:
                    now = f"another of this name ({facts.model_id[:12]})"
            raise DataError(
                f"The job in {display_text(job.output)} was begun with {caption} {before}, not "
                f"{now}. Go on with that, or name another folder with --output."
            )


_CAPTIONS = {
    "model_id": "the model",
    "precision": "the precision",
    "threshold": "the threshold",
    "hashes": "hashes",
}


def _job(output: str, body: Mapping[str, Any]) -> Job:
    facts = body["facts"]
    made = JobFacts(
        str(facts["model_id"]),
        str(facts["model"]),
        str(facts["precision"]),
        float(facts["threshold"]),
        bool(facts["hashes"]),
    )
    job = Job(output, made, int(body["photos"]), str(body["digest"]), int(body["rows_per_part"]))
    if job.photos < 1 or job.rows_per_part < 1:
        raise ValueError("no photos")
    return job


def _listed(file: Path) -> Iterable[str]:
    whole = InputList(file)
    for part in range(whole.parts):
        yield from whole.part(part)


def _inside(output: str, name: str) -> str:
    return joined(joined(output, FOLDER), name)


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _write_text(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
