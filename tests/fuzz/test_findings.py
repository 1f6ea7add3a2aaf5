"""Seeds of the search, and everything that it has found, come back as they should."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from engine.api.errors import DataError
from tests.fuzz.places import FOUND_BEFORE, MODULE_OF
from tests.fuzz.target import BrokenPromiseError, Target, attempt

FINDINGS = sorted(FOUND_BEFORE.glob("*/*.bin"))


def target(name: str) -> Target:
    return importlib.import_module(f"tests.fuzz.{MODULE_OF[name]}").TARGETS[name]


@pytest.mark.parametrize("name", MODULE_OF)
def test_a_target_takes_its_own_seeds(name: str, tmp_path: Path) -> None:
    found = target(name)
    seeds = found.seeds()
    assert seeds
    taken = 0
    for seed in seeds:
        try:
            found.run(seed, tmp_path)
        except found.refuses:
            continue
        taken += 1
    assert taken  # some are nearly good, to lead the search


@pytest.mark.parametrize("path", FINDINGS, ids=[f"{p.parent.name}/{p.stem}" for p in FINDINGS])
def test_what_was_found_once_is_refused_or_read(path: Path, tmp_path: Path) -> None:
    attempt(target(path.parent.name), path.read_bytes(), tmp_path)


def test_what_is_not_documented_or_not_for_people_is_a_finding(tmp_path: Path) -> None:
    def run(data: bytes, _folder: Path) -> None:
        if data == b"bug":
            raise KeyError(data)
        raise DataError(data.decode())

    strict = Target(run, (DataError,), list)
    attempt(strict, b"a.jpg is damaged.", tmp_path)
    with pytest.raises(KeyError):
        attempt(strict, b"bug", tmp_path)
    for said in (b"two\nlines", b"\x1b[31mred", b" ", b"x" * 5000):
        with pytest.raises(BrokenPromiseError):
            attempt(strict, said, tmp_path)
