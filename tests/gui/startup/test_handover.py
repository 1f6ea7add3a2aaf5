from __future__ import annotations

import json
import os
import stat
import struct
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray
from PySide6.QtNetwork import QLocalServer, QLocalSocket
from pytestqt.qtbot import QtBot

from csra_gui.base.paths import library_file
from csra_gui.startup import handover
from csra_gui.startup.handover import Handover, HandoverServer, Outcome, hand_over
from csra_gui.startup.instance import Instance, claim_beside
from tests.gui.startup.calling import Call

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sockets are files")
PHOTO = Path("/photos/cat.jpg")


def frame(body: object) -> bytes:
    data = json.dumps(body).encode()
    return struct.pack("!I", len(data)) + data


def connected(qtbot: QtBot, place: Instance) -> QLocalSocket:
    """One that does not keep to what a start says."""
    socket = QLocalSocket()
    socket.connectToServer(place.address)
    qtbot.waitUntil(lambda: socket.bytesAvailable() == len(b"csra 1\n"))
    return socket


def has_caller(server: HandoverServer) -> bool:
    """Whether somebody waits for a greeting."""
    return server.findChildren(QLocalServer)[0].hasPendingConnections()


def is_left(socket: QLocalSocket) -> bool:
    return socket.state() == QLocalSocket.LocalSocketState.UnconnectedState


# Who is the first.


def test_without_a_window_a_start_is_the_first(qtbot: QtBot, call: Call) -> None:
    start = call(PHOTO)
    qtbot.waitUntil(start.is_through)
    assert start.outcome is Outcome.FIRST


def test_of_many_starts_at_once_one_is_the_first(qtbot: QtBot, call: Call) -> None:
    starts = [call() for _ in range(8)]
    qtbot.waitUntil(lambda: any(start.is_through() for start in starts))
    for start in starts:
        start.given_up.set()
    qtbot.waitUntil(lambda: all(start.is_through() for start in starts))
    assert [start.outcome for start in starts].count(Outcome.FIRST) == 1


def test_the_paths_arrive_and_the_start_knows(
    qtbot: QtBot, server: HandoverServer, taken: list[Handover], call: Call
) -> None:
    server.serve()
    odd = Path("/photos") / os.fsdecode(b"caf\xe9\n\xf0\x9f\x90\xb1.jpg")
    start = call(PHOTO, odd, token="token-7")
    qtbot.waitUntil(start.is_through)
    assert start.outcome is Outcome.HANDED_OVER
    assert taken == [Handover((PHOTO, odd), "token-7")]


@pytest.mark.slow
def test_thousands_of_paths_arrive(
    qtbot: QtBot, server: HandoverServer, taken: list[Handover], call: Call
) -> None:
    server.serve()
    paths = [Path(f"/photos/of a long summer/{'ü' * 40}-{number}.jpg") for number in range(20_000)]
    start = call(*paths)
    qtbot.waitUntil(start.is_through)
    assert taken == [Handover(tuple(paths))]


def test_whoever_calls_while_the_window_starts_is_answered_when_it_is_there(
    qtbot: QtBot, place: Instance, call: Call
) -> None:
    early = [call(Path("/early")), call(Path("/too"))]  # nobody listens yet
    server = HandoverServer(place)
    taken: list[Handover] = []
    server.handed_over.connect(taken.append)
    qtbot.waitUntil(lambda: has_caller(server))
    assert not any(start.is_through() for start in early)
    server.serve()
    qtbot.waitUntil(lambda: all(start.is_through() for start in early))
    server.close()
    assert {start.outcome for start in early} == {Outcome.HANDED_OVER}
    assert {handed.paths for handed in taken} == {(Path("/early"),), (Path("/too"),)}


def test_a_window_that_does_not_answer_is_given_up_and_never_finds_the_question(
    qtbot: QtBot, server: HandoverServer, taken: list[Handover], call: Call
) -> None:
    start = call(PHOTO)
    qtbot.waitUntil(lambda: has_caller(server))
    start.give_up()
    assert start.outcome is Outcome.NO_ANSWER
    server.serve()
    second = call(Path("/second"))
    qtbot.waitUntil(second.is_through)
    assert [handed.paths for handed in taken] == [(Path("/second"),)]


def test_when_the_window_ends_without_an_answer_the_start_takes_its_place(
    qtbot: QtBot, server: HandoverServer, place: Instance, call: Call
) -> None:
    start = call(PHOTO)
    qtbot.waitUntil(lambda: has_caller(server))
    server.close()
    place.release()
    qtbot.waitUntil(start.is_through)
    assert start.outcome is Outcome.FIRST


def test_who_gives_up_neither_takes_the_place_nor_has_anything_opened(
    qtbot: QtBot, place: Instance, server: HandoverServer, taken: list[Handover]
) -> None:
    answers = iter([False, True])

    def is_over() -> bool:
        over = next(answers, True)
        if not over:  # as if both happened while it waits
            place.release()
        return over

    second = Instance(place.library)
    server.close()
    assert hand_over(second, Handover((PHOTO,)), is_over, 0.0) is Outcome.NO_ANSWER
    assert place.claim()
    assert not taken


def test_a_socket_that_nobody_answers_any_more_is_taken_over(
    qtbot: QtBot, call: Call, tmp_path: Path
) -> None:
    from socket import AF_UNIX, socket

    instance = Instance(library_file())
    with socket(AF_UNIX) as left:
        left.bind(instance.address)  # and closed without being removed, as by a crash
    start = call()
    qtbot.waitUntil(start.is_through)
    assert start.outcome is Outcome.FIRST
    server = HandoverServer(start.instance)
    taken: list[Handover] = []
    server.handed_over.connect(taken.append)
    server.serve()
    second = call(PHOTO)
    qtbot.waitUntil(second.is_through)
    server.close()
    assert second.outcome is Outcome.HANDED_OVER and taken == [Handover((PHOTO,))]


def test_what_a_killed_program_left_is_in_nobodys_way(qtbot: QtBot, call: Call) -> None:
    instance = Instance(library_file())
    Path(instance.address).touch()  # its socket; the lock went with it
    start = call()
    qtbot.waitUntil(start.is_through)
    assert start.outcome is Outcome.FIRST
    server = HandoverServer(start.instance)
    taken: list[Handover] = []
    server.handed_over.connect(taken.append)
    server.serve()
    second = call(PHOTO)
    qtbot.waitUntil(second.is_through)
    server.close()
    assert taken == [Handover((PHOTO,))]


def test_a_library_has_one_place_whatever_leads_to_it(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    first, second = Instance(tmp_path / "real" / "a.db"), Instance(tmp_path / "link" / "a.db")
    assert first.claim()
    assert not second.claim()
    assert Instance(tmp_path / "real" / "b.db").claim()
    first.release()


def test_the_library_beside_is_the_first_that_no_window_is_open_on(place: Instance) -> None:
    first, second = claim_beside(library_file()), claim_beside(library_file())
    assert [first.library.name, second.library.name] == ["library-2.db", "library-3.db"]
    assert first.library.parent == library_file().parent
    assert not place.is_alone()
    first.release()
    again = claim_beside(library_file())
    assert again.library == first.library
    again.release()
    second.release()
    assert place.is_alone()


# Who may call.


def test_only_the_person_can_reach_the_socket(server: HandoverServer, place: Instance) -> None:
    socket = Path(place.address)
    assert stat.S_IMODE(socket.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700


def test_a_folder_that_others_can_enter_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "csra-gui").mkdir()
    (tmp_path / "csra-gui").chmod(0o777)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    instance = Instance(library_file())
    assert instance.address == ""
    assert instance.claim()  # every start opens a window then
    assert instance.is_alone()


@pytest.mark.parametrize(
    "said",
    [
        frame({"paths": ["relative.jpg"], "token": ""}),
        frame({"paths": ["/a\0b"], "token": ""}),
        frame({"paths": ["/\ud800"], "token": ""}),
        frame({"paths": [7], "token": ""}),
        frame({"paths": "/photos", "token": ""}),
        frame({"paths": [], "token": "x" * 300}),
        frame({"paths": [], "token": None}),
        frame({"paths": []}),
        frame(["/photos"]),
        frame({"paths": ["/"] * 200_001, "token": ""}),
        struct.pack("!I", 100_000) + b"[" * 100_000,
        struct.pack("!I", 4) + b"\xff\xfe\x80\x00",
        struct.pack("!I", 0),
        struct.pack("!I", 0xFFFFFFFF) + b"x" * 1000,
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_whoever_says_anything_else_is_left_without_an_answer(
    qtbot: QtBot,
    server: HandoverServer,
    place: Instance,
    taken: list[Handover],
    said: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handover, "_CALL_MS", 60_000)  # at once, not after a while
    server.serve()
    socket = connected(qtbot, place)
    socket.write(QByteArray(said))
    qtbot.waitUntil(lambda: is_left(socket))
    assert socket.readAll().data() == b"csra 1\n"
    assert taken == []


def test_whoever_says_nothing_is_left_after_a_while(
    qtbot: QtBot, server: HandoverServer, place: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "_CALL_MS", 50)
    server.serve()
    socket = connected(qtbot, place)
    socket.write(b"\0\0\1")
    qtbot.waitUntil(lambda: is_left(socket))


def test_a_question_in_pieces_is_one_question_and_a_second_is_not_heard(
    qtbot: QtBot, server: HandoverServer, place: Instance, taken: list[Handover]
) -> None:
    server.serve()
    socket = connected(qtbot, place)
    data = Handover((PHOTO,)).to_bytes()
    for end in range(len(data)):
        socket.write(data[end : end + 1])
        socket.flush()
    qtbot.waitUntil(lambda: bool(taken))
    socket.write(data)
    qtbot.waitUntil(lambda: is_left(socket))
    assert taken == [Handover((PHOTO,))]


def test_a_crowd_does_not_keep_a_start_out_for_ever(
    qtbot: QtBot,
    server: HandoverServer,
    place: Instance,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handover, "_CALL_MS", 500)
    server.serve()
    crowd = [QLocalSocket() for _ in range(40)]
    for socket in crowd:
        socket.connectToServer(place.address)
    start = call(PHOTO)
    qtbot.waitUntil(start.is_through)
    assert start.outcome is Outcome.HANDED_OVER
    assert all(socket.isValid() or is_left(socket) for socket in crowd)
