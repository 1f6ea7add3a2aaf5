"""A decoder that a picture has taken over: what it may still do, and what it says."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.api.errors import ImageError
from engine.data.decoding.answers import Failure, send_failure
from engine.data.decoding.driver import most_pixels
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.data.decoding.tiles import Tile
from engine.isolation import landlock
from tests.engine.data.decoding.compromised import ANSWERS, obey
from tests.engine.images import save_image

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and pipes")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="these limits are Linux's")
NONSENSE = "makes no sense"
RAW = [
    "pickle",
    "pickle as such",
    "a message of an exabyte",
    "a length below zero",
    "a message too long",
    "brackets",
    "a long number",
    "too few pixels",
    "asks for ever",
]


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    with DecodePool(1, _decode=obey) as made:
        yield made


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return save_image(tmp_path / "good.png", 96, 64)


def fault(pool: DecodePool, path: Path) -> str:
    error = pool.submit(DecodeRequest(path, 48)).exception()
    assert isinstance(error, ImageError)
    return str(error)


@pytest.mark.parametrize("name", ["pickle", "more pixels than were asked for", "a text as a size"])
def test_a_child_that_sends_what_no_decoder_sends_is_ended_and_the_next_goes_on(
    pool: DecodePool, picture: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    before = pool.submit(DecodeRequest(picture, 48)).result()

    with caplog.at_level(logging.WARNING):
        said = fault(pool, picture.with_name(f"{name}.jpg"))

    assert NONSENSE in said
    assert "A decoder was ended" in caplog.text
    assert not list(picture.parent.glob("*.marker"))
    assert (pool.submit(DecodeRequest(picture, 48)).result().pixels == before.pixels).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", [*RAW, *ANSWERS])
def test_nothing_that_a_child_says_is_believed(
    pool: DecodePool, picture: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    assert NONSENSE in fault(pool, picture.with_name(f"{name}.jpg"))
    assert not list(picture.parent.glob("*.marker"))
    assert pool.submit(DecodeRequest(picture)).result().width == 96


def test_half_a_message_is_the_end_of_a_decoder(pool: DecodePool, picture: Path) -> None:
    assert "ended twice" in fault(pool, Path("half a message"))
    assert pool.submit(DecodeRequest(picture)).result().width == 96


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a message that never ends", "stopped"])
def test_a_child_that_stands_still_is_given_up(picture: Path, name: str) -> None:
    with DecodePool(1, timeout_s=1.0, _decode=obey) as pool:
        assert fault(pool, Path(name)) == "Decoding the picture took longer than 1 seconds."
        assert pool.submit(DecodeRequest(picture)).result().width == 96


@needs_linux
def test_a_decoder_reads_and_does_nothing_else(pool: DecodePool, tmp_path: Path) -> None:
    path = save_image(tmp_path / "tries.png")
    content = path.read_bytes()

    # The kernel knows rules of files or not, and reading the memory of others is among them.
    allowed = set() if landlock.version() else {"memory of others"}
    assert set(fault(pool, path).split()) <= allowed
    assert path.read_bytes() == content
    assert [found.name for found in tmp_path.iterdir()] == ["tries.png"]


@needs_linux
def test_decoders_may_still_calculate_in_threads(pool: DecodePool) -> None:
    assert fault(pool, Path("threads")) == "1 thread ran"


def test_what_a_decoder_gave_up_is_in_the_log(
    picture: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from engine.data.decoding import driver

    driver._log_once.cache_clear()
    with caplog.at_level(logging.INFO), DecodePool(1) as pool:
        pool.submit(DecodeRequest(picture)).result()
        pool.submit(DecodeRequest(picture)).result()
    said = [r.getMessage() for r in caplog.records if "runs with limits" in r.getMessage()]
    assert len(said) == 1
    assert ("seccomp" in said[0]) == (sys.platform == "linux")


@pytest.mark.parametrize(
    ("form", "most"),
    [
        ((48, "squash", None, None), 48 * 48),
        ((None, "inside", None, None), 150_000_000),
        ((48, "inside", (0.0, 0.0, 500.0, 500.0), None), 150_000_000),
        ((None, "inside", None, Tile(0, 0, 512, 256, 2)), 258 * 130),
        ((None, "inside", None, Tile(0, 0, 1 << 40, 1 << 40)), 150_000_000),
        ((None, "inside", None, Tile(9, 9, 0, 0)), 0),
    ],
)
def test_how_many_pixels_may_come_follows_from_the_question(
    form: tuple[object, ...], most: int
) -> None:
    side, fit, crop, tile = form
    assert most_pixels((Path("x"), side, fit, crop, tile, "fast", None, False)) == most


def test_the_end_of_a_long_failure_is_sent() -> None:
    from multiprocessing import Pipe

    from engine.data.decoding.answers import receive
    from engine.isolation.frames import FrameReader

    ours, theirs = Pipe()
    with ours, theirs:
        send_failure(theirs, "x" * 100_000 + "the reason", is_bug=True)
        answer = receive(FrameReader(ours), 5.0, 0, None)
    assert isinstance(answer, Failure)
    assert answer.text.endswith("the reason")
