"""A whole collection of damaged, hostile and odd files, each with what should become of it."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.api.errors import ImageError
from engine.data.decoding.decode import Fit
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.data.scan import scan
from tests.paths import SHARED

COLLECTION = SHARED / "data" / "badimages"
MANIFEST = COLLECTION / "manifest.csv"
# What one of the files would write if it were given to Ghostscript.
PROOF_OF_EXECUTION = Path("/tmp/PWNED_EPS")

pytestmark = pytest.mark.skipif(not MANIFEST.exists(), reason=f"{MANIFEST} is not here")


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    with DecodePool(2) as pool:
        yield pool


def rows() -> list[dict[str, str]]:
    with MANIFEST.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def fingerprint(row: dict[str, str]) -> str:
    path = COLLECTION / row["file"]
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


@pytest.mark.parametrize(
    ("side", "fit", "every"),
    [
        (448, "squash", 1),
        (None, "inside", 5),
        pytest.param(256, "inside", 1, marks=pytest.mark.slow),
        pytest.param(None, "inside", 1, marks=pytest.mark.slow),
    ],
)
def test_each_file_opens_or_fails_as_it_should_and_none_harms_another(
    pool: DecodePool, side: int | None, fit: Fit, every: int
) -> None:
    asked = rows()[::every]
    requests = [DecodeRequest(COLLECTION / row["file"], side, fit) for row in asked]
    wrong = {}
    # The small window keeps few pictures of full size in memory.
    for row, result in zip(asked, pool.map(requests, window=4), strict=True):
        outcome = "error" if isinstance(result, ImageError) else "opens"
        if row["expected"] not in (outcome, "either") or "crashed" in str(result):
            wrong[row["file"]] = str(result)

    assert wrong == {}
    assert len(requests) > 300 / every
    assert not PROOF_OF_EXECUTION.exists()
    assert [row["file"] for row in asked if fingerprint(row) != row["sha256"]] == []


@pytest.mark.slow
def test_every_fault_is_one_plain_sentence(pool: DecodePool) -> None:
    requests = [DecodeRequest(COLLECTION / row["file"], 64) for row in rows()]
    messages = {str(result) for result in pool.map(requests) if isinstance(result, ImageError)}

    assert len(messages) > 10
    assert [m for m in messages if not m.endswith(".") or "\n" in m or "Error" in m] == []
    assert "The picture could not be decoded because of a program error." not in messages


def test_a_scan_of_the_collection_finds_what_has_a_picture_s_ending() -> None:
    batches = list(scan([COLLECTION]))
    found = {path.relative_to(COLLECTION).as_posix() for batch in batches for path in batch.paths}

    assert [problem for batch in batches for problem in batch.skipped] == []
    assert "generated/names/.hidden.jpg" in found
    assert "generated/names/--help.jpg" in found
    missing = {row["file"] for row in rows() if row["expected"] == "opens"} - found
    assert missing == set()
    assert not {"generated/._appledouble.jpg", "generated/Thumbs.db"} & found
