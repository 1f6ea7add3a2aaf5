"""Photos that change all the time while each job of the program is at work on them."""

from __future__ import annotations

import sys

import pytest

from engine.atomic import TEMPORARY_PREFIX
from tests.e2e.changing import Changing
from tests.e2e.cycled_jobs import REAL
from tests.e2e.cycled_program import Rig, noise
from tests.e2e.cycling import turn_events, whole

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("no_fault"),
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere what is read stays in its place"),
    pytest.mark.timeout(1800),
]
#: Every so manieth photo changes.
SHARE = 3
#: A job that waits for what is not there is cancelled after so long.
PATIENCE_S = 20.0
#: Those that read photos; the others have nothing to do with them.
JOBS = (
    *("tagging", "thumbnails", "maps", "page of maps", "evaluating", "table", "folder"),
    *("writing", "undoing", "reading", "results", "duplicates", "scan", "teaching", "training"),
)


@pytest.mark.parametrize("name", JOBS)
def test_a_job_survives_photos_that_change_and_is_right_when_they_have_settled(
    rig: Rig, name: str
) -> None:
    job = REAL[name](rig)
    expected, _ = whole(job)
    job.reset()
    other = rig.root / "other.png"
    noise(other, len(rig.rows) + 1, 160)
    folders = (rig.photos, rig.root / "data", rig.root / "many")
    photos = [path for folder in folders for path in sorted(folder.rglob("*.jpg"))]
    with Changing(photos[::SHARE], other.read_bytes(), seed=JOBS.index(name)) as changing:
        job.start()
        ended = turn_events(lambda: not job.is_running(), PATIENCE_S)
        if not ended:
            job.cancel()
        assert turn_events(lambda: not job.is_running(), 60), "it neither ends nor can be cancelled"
        turn_events(lambda: changing.count > 200, 30)  # the window looks at the folder meanwhile
    litter = [path for path in rig.root.rglob(f"{TEMPORARY_PREFIX}*") if rig.photos in path.parents]
    assert litter == []
    if name != "scan":  # which opens another folder
        rig.open()
        rig.tag()
    again, _ = whole(job)
    assert again == expected
