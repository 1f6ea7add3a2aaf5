from __future__ import annotations

import os
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from csra_gui.base import desktop
from csra_gui.base.desktop import MOST_SHOWN, run_command, show_command, show_files
from csra_gui.base.programs import Program, photo_programs

AWKWARD = Path('/photos/it\'s, 100 % -x "y" ü\udcff.jpg')


def test_each_desktop_is_asked_in_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    a, b = Path("/photos/a.jpg"), Path("/photos/b.jpg")
    assert show_command([a, b], "win32") == f'explorer.exe /select,"{a}"'
    assert show_command([a, b], "darwin") == ["open", "-R", str(a), str(b)]
    by_gdbus = show_command([a, b], "linux", which=lambda name: name)
    assert by_gdbus is not None and by_gdbus[0] == "gdbus"
    assert by_gdbus[-2:] == ["['file:///photos/a.jpg', 'file:///photos/b.jpg']", ""]
    by_send = show_command([a, b], "linux", which=lambda name: name if "send" in name else None)
    assert by_send is not None and by_send[0] == "dbus-send"
    assert by_send[-2] == "array:string:file:///photos/a.jpg,file:///photos/b.jpg"
    assert show_command([a], "linux", which=lambda _name: None) is None


@pytest.mark.parametrize("program", ["gdbus", "dbus-send"])
def test_no_name_of_a_file_is_taken_for_more_than_a_name(
    monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    command = show_command([AWKWARD], "linux", which=lambda name: name if name == program else None)
    assert command is not None
    uri = command[-2].removeprefix("array:string:").strip("[]'")
    assert uri == AWKWARD.as_uri() and not set(uri) & set("',\" []")


def test_without_a_bus_no_bus_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert show_command([tmp_path], "linux", which=lambda name: name) is None
    assert not show_files([tmp_path]) and not show_files([tmp_path / "gone"])
    assert MOST_SHOWN <= 100


@pytest.mark.parametrize(
    ("command", "worked"), [(["true"], True), (["false"], False), (["no-such-program"], False)]
)
def test_a_command_says_whether_it_worked(command: list[str], worked: bool) -> None:
    assert run_command(command) is worked


# Programs.

A, B = Path("/p/a b.jpg"), Path("/p/-b.jpg")


@pytest.mark.parametrize(
    ("command", "started"),
    [
        (("v", "%F"), [["v", str(A), str(B)]]),
        (("v", "%f", "-x"), [["v", str(A), "-x"], ["v", str(B), "-x"]]),
        (("v", "%U"), [["v", A.as_uri(), B.as_uri()]]),
        (("v", "%u"), [["v", A.as_uri()], ["v", B.as_uri()]]),
        (("v", "%i", "%c", "50%%"), [["v", "50%", str(A), str(B)]]),
        (("v",), [["v", str(A), str(B)]]),
    ],
)
def test_field_codes_are_filled_in(command: tuple[str, ...], started: list[list[str]]) -> None:
    assert Program("V", command).commands([A, B]) == started


def entry(folder: Path, name: str, **values: str) -> None:
    lines = {"Type": "Application", "Name": name, "Exec": "v %F", "MimeType": "image/png;"} | values
    text = "\n".join(f"{key}={value}" for key, value in lines.items())
    (folder / "applications").mkdir(parents=True, exist_ok=True)
    file = folder / "applications" / f"{name}.desktop"
    file.write_text(f"# a comment\n[Desktop Entry]\n{text}\n[Desktop Action x]\nName=x\n", "utf-8")


def test_programs_for_pictures_are_found_and_those_of_the_person_count_first(
    tmp_path: Path,
) -> None:
    mine, system = tmp_path / "mine", tmp_path / "system"
    entry(system, "zoom", Exec='"/opt/zoom it/zoom" --raise %U')
    entry(system, "Alpha")
    entry(mine, "Alpha", Hidden="true")
    entry(system, "shell", Terminal="true")
    entry(system, "text", MimeType="text/plain;")
    entry(system, "nothing", Exec="")
    entry(system, "broken", Exec='v "%F')
    entry(system, "csra-gui")
    (system / "applications" / "binary.desktop").write_bytes(b"\xff\xfe\0[")
    (system / "applications" / "folder.desktop").mkdir()
    assert photo_programs([mine, system]) == [
        Program("zoom", ("/opt/zoom it/zoom", "--raise", "%U"))
    ]


def test_the_nearest_folder_that_is_there_is_opened_and_nobody_waits(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(desktop, "open_file", opened.append)

    desktop.open_folder(tmp_path / "gone" / "deeper")

    assert not opened
    qtbot.waitUntil(lambda: opened == [tmp_path])


def test_a_name_that_is_no_text_is_not_opened_as_another_file() -> None:
    odd = Path("/photos") / os.fsdecode(b"b\xff \x41.jpg")
    assert desktop.file_url(odd).toEncoded().data() == b"file:///photos/b%FF%20A.jpg"
    assert desktop.file_url(Path("/photos/ä %20.jpg")).toLocalFile() == "/photos/ä %20.jpg"
