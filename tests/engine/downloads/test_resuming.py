"""Downloads that break off, are cancelled, and are gone on with."""

import hashlib
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from engine.downloads.download import download
from engine.downloads.part_file import PartFile
from engine.downloads.progress import DownloadSettings
from tests.engine.downloads.download_server import Exchange, file_route, serving
from tests.engine.downloads.fetching import DATA, EAGER, fail, get, leave_part, names, source_of


def test_dropped_connections_are_gone_on_with_where_they_broke_off(tmp_path: Path) -> None:
    with serving(file_route(DATA, drop_after=[300_000, 300_000])) as server:
        path, note = get(server, tmp_path)
        assert path.read_bytes() == DATA
        assert [seen.headers.get("Range") for seen in server.seen] == [
            None,
            "bytes=300000-",
            "bytes=600000-",
        ]
        assert server.body_bytes == len(DATA), "a byte was sent twice"
    assert "Going on at 0.3 MB." in note


def test_a_new_start_of_the_program_goes_on_with_what_is_here(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as server:
        leave_part(tmp_path, 700_000)(server)
        path, _ = get(server, tmp_path)
        assert path.read_bytes() == DATA
        assert server.body_bytes == len(DATA) - 700_000
        assert server.seen[0].headers["If-Range"] == '"v1"'


def test_a_server_that_always_drops_ends_in_a_message_and_keeps_the_part(tmp_path: Path) -> None:
    with serving(file_route(DATA, drop_after=[400_000, 0, 0, 0, 0, 0, 0])) as server:
        message = fail(server, tmp_path)
        assert len(server.seen) == 1 + EAGER.attempts
    assert "was lost after 0.4 MB of 1.0 MB" in message
    assert "What has arrived is kept" in message
    assert (tmp_path / "model.pth.part").read_bytes() == DATA[:400_000]


def test_a_server_that_ignores_range_starts_over(tmp_path: Path) -> None:
    with serving(file_route(DATA, ranges=False)) as server:
        leave_part(tmp_path, 700_000)(server)
        path, note = get(server, tmp_path)
    assert path.read_bytes() == DATA
    assert "starts again from the beginning" in note


def test_a_server_that_ignores_range_and_drops_does_not_go_on_for_ever(tmp_path: Path) -> None:
    with serving(file_route(DATA, ranges=False, drop_after=[1000] * 50)) as server:
        assert "was lost" in fail(server, tmp_path)
        assert len(server.seen) == 1 + EAGER.attempts


def test_a_changed_file_on_the_server_is_not_glued_to_the_old_half(tmp_path: Path) -> None:
    with serving(file_route(DATA, etag='"v2"')) as server:
        leave_part(tmp_path, 700_000, etag='"v1"')(server)
        (tmp_path / "model.pth.part").write_bytes(b"old" * 200_000)
        path, _ = get(server, tmp_path)
    assert path.read_bytes() == DATA


def test_a_rest_of_another_version_is_refused_even_if_the_server_sends_it(tmp_path: Path) -> None:
    served = file_route(DATA, etag='"v2"')

    def route(exchange: Exchange) -> None:
        del exchange.headers["If-Range"]  # such a server sends the rest of what it has now
        served(exchange)

    with serving(route) as server:
        leave_part(tmp_path, 600_000, etag='"v1"')(server)
        (tmp_path / "model.pth.part").write_bytes(b"old" * 200_000)
        path, _ = get(server, tmp_path, sha256=None)
        assert len(server.seen) == 2
    assert path.read_bytes() == DATA


def test_a_rest_from_the_wrong_place_is_refused(tmp_path: Path) -> None:
    def route(exchange: Exchange) -> None:
        offset = exchange.offset()
        if offset is None:
            file_route(DATA)(exchange)
            return
        place = f"bytes 5-{len(DATA) - 1}/{len(DATA)}"
        exchange.start(206, {"Content-Length": len(DATA) - 5, "Content-Range": place})
        exchange.send(DATA[5:])

    with serving(route) as server:
        leave_part(tmp_path, 700_000)(server)
        path, _ = get(server, tmp_path)
    assert path.read_bytes() == DATA


def test_a_part_that_is_whole_already_needs_no_server(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as server:
        leave_part(tmp_path, len(DATA))(server)
        path, _ = get(server, tmp_path)
        assert server.seen == []
    assert path.read_bytes() == DATA


def test_a_part_of_unknown_whole_ends_when_the_server_says_nothing_is_left(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as server:
        part = PartFile(tmp_path / "model.pth", server.url)
        part.start(None, {"ETag": '"v1"'})
        part.write(DATA)
        part.close()
        path, _ = get(server, tmp_path)
        assert server.seen[0].headers["Range"] == f"bytes={len(DATA)}-"
    assert path.read_bytes() == DATA


def test_a_part_beyond_the_end_of_the_servers_file_starts_over(tmp_path: Path) -> None:
    short = DATA[:500_000]
    with serving(file_route(short)) as server:
        leave_part(tmp_path, 700_000)(server)
        path, _ = get(server, tmp_path, hashlib.sha256(short).hexdigest())
    assert path.read_bytes() == short


def test_cancelling_a_stalled_download_keeps_the_part_and_no_file(tmp_path: Path) -> None:
    def route(exchange: Exchange) -> None:
        exchange.start(200, {"Content-Length": len(DATA), "ETag": '"v1"'})
        for place in range(len(DATA)):
            exchange.send(DATA[place : place + 1])
            if exchange.server.closing.wait(1.0):
                return

    with serving(route) as server:
        steps = download(source_of(server), tmp_path, EAGER)
        while next(steps).done < 1:
            pass
        heartbeat = next(steps)  # comes although the server says nothing
        close_at_once(steps)
        assert heartbeat.total == len(DATA)
    assert "model.pth" not in names(tmp_path)
    kept = (tmp_path / "model.pth.part").read_bytes()
    assert kept
    assert DATA.startswith(kept)


def test_cancelling_while_the_server_says_nothing_at_all_leaves_nothing(tmp_path: Path) -> None:
    with serving(lambda exchange: void(exchange.server.closing.wait())) as server:
        steps = download(source_of(server), tmp_path, EAGER)
        assert next(steps).stage == "connecting"
        close_at_once(steps)
    assert names(tmp_path) == []


def close_at_once(steps: Generator[object, None, object]) -> None:
    start = time.monotonic()
    steps.close()
    assert time.monotonic() - start < 0.5


def void(_: object) -> None:
    """A route returns nothing."""


@pytest.mark.slow
def test_a_server_that_falls_silent_counts_as_dropped(tmp_path: Path) -> None:
    patience = [True]

    def route(exchange: Exchange) -> None:
        if patience and patience.pop():
            exchange.start(200, {"Content-Length": len(DATA), "ETag": '"v1"'})
            exchange.send(DATA[:100_000])
            exchange.server.closing.wait()
        else:
            file_route(DATA)(exchange)

    with serving(route) as server:
        path, note = get(server, tmp_path, settings=DownloadSettings(5, pause=0.0, silence=1.0))
    assert path.read_bytes() == DATA
    assert "Going on at 0.1 MB." in note


def test_a_part_from_another_address_is_not_gone_on_with(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as server:
        part = PartFile(tmp_path / "model.pth", "https://example.org/model.pth")
        part.start(len(DATA), {"ETag": '"v1"'})
        part.write(b"another file")
        part.close()
        path, _ = get(server, tmp_path)
        assert "Range" not in server.seen[0].headers
    assert path.read_bytes() == DATA


def test_nothing_is_kept_of_a_download_that_never_began(tmp_path: Path) -> None:
    with serving(file_route(DATA, drop_after=[0] * 10)) as server:
        assert "Start the download again." in fail(server, tmp_path)
    assert names(tmp_path) == []


def test_a_part_with_an_unreadable_state_starts_over(tmp_path: Path) -> None:
    (tmp_path / "model.pth.part").write_bytes(b"something else")
    (tmp_path / "model.pth.part.json").write_text("[1]", encoding="utf-8")
    with serving(file_route(DATA)) as server:
        path, _ = get(server, tmp_path, sha256=None)
        assert "Range" not in server.seen[0].headers
    assert path.read_bytes() == DATA
