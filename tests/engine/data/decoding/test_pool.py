from __future__ import annotations

import logging
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.api.errors import ImageError
from engine.api.passing import DECODER_NOT_STARTED, DECODING_STOPPED, PASSING
from engine.api.values import DecodedImage
from engine.data.decoding import driver
from engine.data.decoding.decode import decode
from engine.data.decoding.driver import PixelBudget
from engine.data.decoding.pool import DecodePool, DecodeRequest, decoding_processes
from tests.engine.data.decoding.hooks import misbehave
from tests.engine.images import save_image
from tests.paths import ROOT

needs_posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and pipes")

pytestmark = needs_posix


@pytest.fixture(scope="module")
def shared_pool() -> Iterator[DecodePool]:
    """One worker for all tests that do not care how it is set up: a process takes its time."""
    with DecodePool(1, _decode=misbehave) as pool:
        yield pool


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return save_image(tmp_path / "good.png")


def fault(pool: DecodePool, path: Path) -> str:
    error = pool.submit(DecodeRequest(path)).exception()
    assert isinstance(error, ImageError)
    return str(error)


def kill_and_wait(process: int) -> None:
    gone = os.pidfd_open(process)
    os.kill(process, signal.SIGKILL)
    select.select([gone], [], [])
    os.close(gone)


def decoder_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("decode-")]


def test_a_request_says_how_a_picture_is_read(shared_pool, tmp_path):
    path = tmp_path / "x.jpg"
    Image.effect_noise((640, 480), 60).convert("RGB").save(path)

    read = {
        mode: shared_pool.submit(DecodeRequest(path, 100, mode=mode)).result().pixels
        for mode in ("exact", "fast")
    }

    np.testing.assert_array_equal(read["exact"], decode(path, 100, mode="exact").pixels)
    np.testing.assert_array_equal(read["fast"], decode(path, 100, mode="fast").pixels)
    assert (read["exact"] != read["fast"]).any()


def test_a_picture_comes_back_as_decoded_in_this_process(
    shared_pool: DecodePool, picture: Path
) -> None:
    image = shared_pool.submit(DecodeRequest(picture, 48, "letterbox")).result()

    expected = decode(picture, 48, "letterbox")
    np.testing.assert_array_equal(image.pixels, expected.pixels)
    assert (image.width, image.height, image.content) == (96, 64, expected.content)


@pytest.mark.parametrize("name", ["abort", "killed"])
def test_a_picture_that_ends_two_processes_fails_and_the_next_gets_a_new_one(
    shared_pool: DecodePool, picture: Path, name: str
) -> None:
    assert fault(shared_pool, Path(name)).startswith("The decoder ended twice at this picture.")
    assert shared_pool.submit(DecodeRequest(picture)).result().width == 96


def test_what_is_no_fault_of_a_picture_is_said_so_that_nobody_notes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(driver, "start_child", fail)
    with DecodePool(1) as pool:
        assert fault(pool, Path("sound.png")) == DECODER_NOT_STARTED
    assert {DECODER_NOT_STARTED, DECODING_STOPPED} <= PASSING


def test_a_process_that_others_kill_costs_no_picture(
    shared_pool: DecodePool, tmp_path: Path
) -> None:
    pipe = tmp_path / "hold.png"
    os.mkfifo(pipe)
    child = int(fault(shared_pool, Path("pid")))
    asked = shared_pool.submit(DecodeRequest(pipe))
    with Writer(pipe):  # which waits until somebody reads
        kill_and_wait(child)
    Writer(pipe).close()  # likewise: the next one reads

    assert str(asked.exception()) == "held"
    assert int(fault(shared_pool, Path("pid"))) != child


def test_a_process_that_dies_while_idle_costs_no_picture(
    shared_pool: DecodePool, picture: Path
) -> None:
    kill_and_wait(int(fault(shared_pool, Path("pid"))))

    assert shared_pool.submit(DecodeRequest(picture)).result().width == 96


def test_a_bug_of_the_decoder_is_logged_and_fails_one_picture(
    shared_pool: DecodePool, picture: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        message = fault(shared_pool, Path("bug"))

    assert message == "The picture could not be decoded because of a program error."
    assert "no picture should raise this" in caplog.text
    assert shared_pool.submit(DecodeRequest(picture)).result().width == 96


@pytest.mark.slow
def test_a_picture_that_takes_too_long_is_given_up(picture: Path) -> None:
    with DecodePool(1, timeout_s=1.0, _decode=misbehave) as pool:
        assert fault(pool, Path("hang")) == "Decoding the picture took longer than 1 seconds."
        assert pool.submit(DecodeRequest(picture)).result().width == 96


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux")
def test_a_worker_has_a_limit_of_memory(shared_pool: DecodePool) -> None:
    assert fault(shared_pool, Path("hungry")) == "refused"


def test_a_worker_imports_nothing_heavy(shared_pool: DecodePool) -> None:
    modules = fault(shared_pool, Path("modules")).split()

    assert "PIL.Image" in modules
    assert not {"torch", "PySide6", "timm", "torchvision"} & set(modules)


def test_map_keeps_the_order_and_gives_faults_as_values(
    shared_pool: DecodePool, tmp_path: Path
) -> None:
    paths = [save_image(tmp_path / f"{width}.png", width) for width in range(1, 20)]
    paths[7] = tmp_path / "gone.png"

    results = list(shared_pool.map((DecodeRequest(path) for path in paths), window=3))

    widths = [0 if isinstance(result, ImageError) else result.width for result in results]
    assert widths == [*range(1, 8), 0, *range(9, 20)]
    assert str(results[7]) == "The file is no longer there."


def test_map_asks_for_no_more_than_its_window_and_cancels_what_is_left(
    shared_pool: DecodePool, picture: Path
) -> None:
    asked = []

    def requests() -> Iterator[DecodeRequest]:
        for number in range(100):
            asked.append(number)
            yield DecodeRequest(picture)

    results = shared_pool.map(requests(), window=4)
    next(results)
    results.close()

    assert len(asked) <= 4


def test_waiting_requests_can_be_cancelled_and_closing_ends_the_running_one(
    tmp_path: Path, picture: Path
) -> None:
    pool, writer, held = held_pool(tmp_path)
    with writer:
        waiting = [pool.submit(DecodeRequest(picture)) for _ in range(3)]

        assert waiting[0].cancel()
        pool.close()

    assert str(held.exception()) == DECODING_STOPPED
    assert all(future.cancelled() for future in waiting)


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_newest_request_can_be_served_first(
    tmp_path: Path, picture: Path, newest_first: bool
) -> None:
    pool, writer, _ = held_pool(tmp_path, newest_first=newest_first)
    served: list[int] = []
    with pool:
        futures = [pool.submit(DecodeRequest(picture)) for _ in range(3)]
        for number, future in enumerate(futures):
            future.add_done_callback(lambda _, number=number: served.append(number))
        writer.close()
        for future in futures:
            future.result()

    assert served == ([2, 1, 0] if newest_first else [0, 1, 2])


@pytest.mark.parametrize("newest_first", [False, True])
def test_what_is_urgent_is_served_before_all_that_waits(
    tmp_path: Path, picture: Path, newest_first: bool
) -> None:
    pool, writer, _ = held_pool(tmp_path, newest_first=newest_first)
    served: list[str] = []
    with pool:
        names = {"a": False, "b": False, "now": True}
        futures = {
            name: pool.submit(DecodeRequest(picture), urgent=urgent)
            for name, urgent in names.items()
        }
        for name, future in futures.items():
            future.add_done_callback(lambda _, name=name: served.append(name))
        writer.close()
        for future in futures.values():
            future.result()

    assert served[0] == "now"


@pytest.mark.parametrize(
    ("cores", "beside", "alone"), [(1, 1, 1), (2, 2, 2), (8, 8, 8), (16, 8, 16), (200, 8, 32)]
)
def test_decoders_leave_cores_to_a_network_that_needs_them(
    monkeypatch: pytest.MonkeyPatch, cores: int, beside: int, alone: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert decoding_processes(beside_network=True) == beside
    assert decoding_processes(beside_network=False) == alone


def test_closing_twice_leaves_no_process_and_no_thread(
    picture: Path, decoder_processes: Callable[[], int]
) -> None:
    before = decoder_threads()
    pool = DecodePool(2)
    futures = [pool.submit(DecodeRequest(picture)) for _ in range(4)]
    futures[0].result()
    assert decoder_processes() > 0

    pool.close()
    pool.close()

    assert (decoder_processes(), decoder_threads()) == (0, before)
    assert all(future.done() for future in futures)
    with pytest.raises(RuntimeError, match="closed"):
        pool.submit(DecodeRequest(picture))


def test_a_pool_that_is_never_used_starts_nothing(decoder_processes: Callable[[], int]) -> None:
    before = decoder_threads()
    with DecodePool(2):
        assert (decoder_processes(), decoder_threads()) == (0, before)


def test_a_program_that_never_closes_its_pool_still_ends(picture: Path) -> None:
    script = (
        "from pathlib import Path\n"
        "from engine.data.decoding.pool import DecodePool, DecodeRequest\n"
        f"print(DecodePool(1).submit(DecodeRequest(Path({str(picture)!r}))).result().width)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )

    assert (done.stdout, done.stderr) == ("96\n", "")


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux to watch a process end")
def test_a_worker_does_not_outlive_a_program_that_is_killed() -> None:
    script = (
        "from pathlib import Path\n"
        "from engine.data.decoding.pool import DecodePool, DecodeRequest\n"
        "from tests.engine.data.decoding.hooks import misbehave\n"
        "pool = DecodePool(1, _decode=misbehave)\n"
        "print(pool.submit(DecodeRequest(Path('pid'))).exception(), flush=True)\n"
        "input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        ended = os.pidfd_open(int(program.stdout.readline()))
        program.kill()

    assert select.select([ended], [], [], 60.0)[0] == [ended]
    os.close(ended)


def test_the_pixels_in_flight_stay_within_the_budget() -> None:
    budget = PixelBudget(100)
    log: list[str] = []

    def use(name: str, pixels: int) -> None:
        with budget.hold(pixels):
            log.append(name)

    waiting = threading.Thread(target=use, args=("waits", 60))
    with budget.hold(50):
        waiting.start()
        use("fits", 50)
        log.append("released")
    waiting.join()
    use("alone", 1000)

    assert log == ["fits", "released", "waits", "alone"]


def test_a_large_picture_asks_before_it_is_decoded(tmp_path: Path) -> None:
    large = save_image(tmp_path / "large.png", 2100, 2100)

    with DecodePool(2, pixel_budget=1) as pool:
        images = list(pool.map([DecodeRequest(large, 32)] * 4))

    assert [image.width for image in images if isinstance(image, DecodedImage)] == [2100] * 4


def held_pool(
    tmp_path: Path, newest_first: bool = False
) -> tuple[DecodePool, Writer, Future[DecodedImage]]:
    """A pool whose only worker is busy until the writer is closed."""
    pipe = tmp_path / "hold"
    os.mkfifo(pipe)
    pool = DecodePool(1, newest_first=newest_first, _decode=misbehave)
    held = pool.submit(DecodeRequest(pipe))
    return pool, Writer(pipe), held


class Writer:
    """The writing end of a named pipe; it opens when somebody reads."""

    def __init__(self, pipe: Path) -> None:
        self._descriptor: int | None = os.open(pipe, os.O_WRONLY)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def test_a_pool_can_be_made_ready_before_the_first_picture(picture, decoder_processes):
    before = len(decoder_threads())
    with DecodePool(2, _decode=misbehave) as pool:
        pool.warm_up()
        pool.warm_up()
        while not decoder_processes():
            threading.Event().wait(0.01)
        assert len(decoder_threads()) == before + 1
        assert pool.submit(DecodeRequest(picture)).result().width == 96
    pool.warm_up()  # harmless once it is closed
    assert (decoder_processes(), len(decoder_threads())) == (0, before)


NO_GUARD = """
import os, sys
from pathlib import Path
from engine.data.decoding.pool import DecodePool, DecodeRequest
os.chdir({folder!r})
with DecodePool(1) as pool:
    print(pool.submit(DecodeRequest(Path({name!r}))).result().width)
"""


@pytest.mark.parametrize("way", ["file", "standard input"])
def test_a_script_needs_no_guard_around_its_main_part(
    picture: Path, tmp_path: Path, way: str
) -> None:
    text = NO_GUARD.format(folder=str(picture.parent), name=picture.name)
    (tmp_path / "scripts").mkdir()
    script = tmp_path / "scripts" / "script.py"
    script.write_text(text)
    # What lies where the program runs and is called as a module of Python's own has no effect.
    (picture.parent / "socket.py").write_text("raise SystemExit('the wrong module')")

    done = subprocess.run(
        [sys.executable, "-" if way == "standard input" else str(script)],
        input=text if way == "standard input" else None,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert (done.stdout, done.stderr) == ("96\n", "")
