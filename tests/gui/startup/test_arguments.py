from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from csra_gui.startup.arguments import UsageError, WindowRequest, parse
from engine import __version__
from engine.resources import resource_path

COMMANDS = ("tag", "explain", "train")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the start, with some photos in it."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.jpg", "-c.jpg", "Reise nach München.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "photos").mkdir()
    return tmp_path


def refusal(*arguments: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse(arguments, COMMANDS)
    assert caught.value.status == 2
    assert caught.value.text.endswith("\n")
    return caught.value.text


def test_nothing_asks_for_what_was_open_last() -> None:
    assert parse([], COMMANDS) == WindowRequest()


def test_paths_become_those_of_the_folder_of_the_start(here: Path) -> None:
    request = parse(["photos", "a.jpg", "./photos/../b.jpg"], COMMANDS)
    assert request.paths == (here / "photos", here / "a.jpg", here / "b.jpg")


def test_a_link_stays_a_link(here: Path) -> None:
    (here / "link").symlink_to(here / "photos")
    assert parse(["link"], COMMANDS).paths == (here / "link",)


def test_after_two_dashes_everything_is_a_path(here: Path) -> None:
    assert parse(["--", "-c.jpg"], COMMANDS).paths == (here / "-c.jpg",)


@pytest.mark.skipif(sys.platform == "win32", reason="addresses have drives there")
def test_an_address_of_a_file_is_its_path(here: Path) -> None:
    address = (here / "Reise nach München.jpg").as_uri()
    assert parse([address], COMMANDS).paths == (here / "Reise nach München.jpg",)
    (here / os.fsdecode(b"\xe9.jpg")).touch()
    odd = parse([f"file://{here}/%E9.jpg"], COMMANDS)
    assert (odd.paths, odd.missing) == ((here / os.fsdecode(b"\xe9.jpg"),), ())


def test_samples_can_be_opened_with_other_photos(here: Path) -> None:
    samples = resource_path("samples")
    assert parse(["--samples"], COMMANDS).paths == (samples,)
    assert parse(["a.jpg", "--samples"], COMMANDS).paths == (samples, here / "a.jpg")


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["photos", "--help"]])
def test_help_is_an_answer(arguments: list[str]) -> None:
    with pytest.raises(UsageError, match=r"(?s)usage: csra .*tag, explain, train\n") as caught:
        parse(arguments, COMMANDS)
    assert caught.value.status == 0


def test_the_version_is_an_answer() -> None:
    with pytest.raises(UsageError, match=__version__) as caught:
        parse(["--version"], COMMANDS)
    assert caught.value.status == 0


@pytest.mark.parametrize(
    ("word", "command"), [("tga", "tag"), ("Tag", "tag"), ("explian", "explain"), ("trai", "train")]
)
def test_a_word_like_a_command_names_the_command(word: str, command: str) -> None:
    text = refusal(word, "a.jpg")
    assert f"no command '{word}', and no file or folder of that name" in text
    assert f"Did you mean csra {command}?" in text


@pytest.mark.parametrize("rest", [(), ("--help",), ("--format", "csv", "a.jpg")])
def test_any_other_word_names_all_commands_whatever_follows(rest: tuple[str, ...]) -> None:
    text = refusal("score", *rest)
    assert "no command 'score'" in text
    assert "Did you mean" not in text
    assert "tag, explain, train" in text


def test_a_word_that_is_there_is_a_path(here: Path) -> None:
    (here / "tagg").mkdir()
    assert parse(["tagg"], COMMANDS).paths == (here / "tagg",)


def test_a_command_after_the_entry_of_the_window_is_told_the_right_entry() -> None:
    assert "the command is: csra tag" in refusal("tag", "a.jpg")


@pytest.mark.parametrize(
    ("option", "near"),
    [("--sample", "--samples"), ("--new-windows", "--new-window"), ("--libary=x", "--library")],
)
def test_an_unknown_option_names_the_nearest(option: str, near: str) -> None:
    text = refusal("a.jpg", option)
    assert f"no option '{option}'" in text
    assert f"Did you mean {near}?" in text


def test_an_option_of_a_command_says_where_it_belongs() -> None:
    text = refusal("a.jpg", "--recursive")
    assert "no option '--recursive'" in text
    assert "follow its name: csra tag" in text


def test_paths_that_are_not_there_are_an_error_that_names_them(here: Path) -> None:
    text = refusal("gone.jpg", "./also gone")
    assert f"'{here / 'gone.jpg'}', '{here / 'also gone'}'" in text


def test_of_many_missing_paths_some_are_named() -> None:
    text = refusal(*(f"{number}.jpg" for number in range(1007)))
    assert "4.jpg' and 1,002 more." in text


def test_what_is_there_is_opened_beside_what_is_missing(here: Path) -> None:
    request = parse(["a.jpg", "gone.jpg"], COMMANDS)
    assert request.missing == (here / "gone.jpg",)
    assert here / "a.jpg" in request.paths


@pytest.mark.skipif(sys.platform == "win32", reason="other rights")
@pytest.mark.parametrize("name", ["a.jpg/b.jpg", "nul%00.jpg"])
def test_a_name_that_cannot_be_one_is_missing(here: Path, name: str) -> None:
    assert "there is no file or folder" in refusal(f"file://{here}/{name}")


def test_control_characters_of_names_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in refusal("./\x1b[31mred.jpg", "--\x1b[0m")


def test_another_window_can_be_asked_for(here: Path) -> None:
    assert parse(["--new-window", "photos"], COMMANDS) == WindowRequest(
        (here / "photos",), is_new_window=True
    )


@pytest.mark.parametrize("arguments", [("--library", "new.db"), ("--library=new.db",)])
def test_another_library_may_still_have_to_be_made(here: Path, arguments: tuple[str, ...]) -> None:
    assert parse([*arguments, "a.jpg"], COMMANDS) == WindowRequest(
        (here / "a.jpg",), here / "new.db"
    )


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--library",), "needs the file"),
        (("--library", "photos"), "is a folder"),
        (("--library", "nowhere/x.db"), "no folder"),
        (("--library", "text.txt"), "is no library"),
        (("--library", "new.db", "--new-window"), "--library names the library"),
    ],
)
def test_what_cannot_be_a_library_is_refused(
    here: Path, arguments: tuple[str, ...], reason: str
) -> None:
    (here / "text.txt").write_text("the diary of somebody")
    assert reason in refusal(*arguments)
    assert (here / "text.txt").read_text() == "the diary of somebody"
