"""A day with the program: the real window on a real screen, by keys alone."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from csra_gui.base.paths import LOG_NAME
from engine.library.connections import connect_reading, connect_writing
from tests.e2e.desktop import Desktop, ending, missing_packages, new_desktop
from tests.e2e.waiting import wait_until
from tests.paths import ROOT

SAMPLES = ROOT / "resources" / "samples"
ASTRONAUT, CAT, COFFEE, SHEEP = "astronaut.jpg", "cat.jpg", "coffee.jpg", "sheep-in-march.jpg"
#: Found last, so that whatever else were tagged again would be tagged before it.
LATE = "zz-rocket.jpg"

_MISSING = missing_packages()
pytestmark = [
    pytest.mark.skipif(bool(_MISSING), reason=f"needs the Debian packages {', '.join(_MISSING)}"),
    pytest.mark.timeout(600),
]

Said = dict[tuple[str, str], str]


class Story:
    """A folder of photos, a library, and a person who uses the program on both.

    Args:
        desktop: where the window appears.
        place: for photos, settings and the library.
        names: the sample photos to copy into the folder.
    """

    def __init__(self, desktop: Desktop, place: Path, *names: str) -> None:
        self.desktop = desktop
        self.photos = place / "photos"
        self.profile = place / "profile"
        self.library = place / "data" / "library.db"
        self.photos.mkdir()
        for name in names:
            shutil.copy(SAMPLES / name, self.photos)

    @contextlib.contextmanager
    def start(self) -> Iterator[None]:
        """The program from its start until Ctrl+Q."""
        environment = {
            **self.desktop.environment,
            "CSRA_GUI_PROFILE": str(self.profile),
            "CSRA_GUI_DATA": str(self.library.parent),
        }
        command = [sys.executable, "main.py"]
        with (
            ending(subprocess.Popen(command, cwd=ROOT, env=environment)) as program,
            self.desktop.picture_of_failure(self.profile.with_name("screen.png")),
        ):
            self.desktop.activate("CSRA")
            yield
            self.desktop.press("ctrl+q")
            wait_until(lambda: program.poll() is not None, "the program has ended")
            assert program.returncode == 0

    def open_folder(self) -> None:
        """By the menu's dialog."""
        self.desktop.press("ctrl+o")
        self.desktop.activate("Choose a folder")

        windows = self.desktop.count

        def is_answered() -> bool:
            return windows("Choose a folder") != 1

        def opens() -> bool:
            if windows("Choose a folder"):
                self.desktop.press("ctrl+a")
                self.desktop.type(str(self.photos))
                self.desktop.press("Return")
                wait_until(is_answered, "the folder opens, or it is said why not")
            if windows("Choose a folder"):
                # Qt completes paths as they are typed, which may swallow some letters: then it says
                # that there is no such folder. Or its list of offers is still there.
                self.desktop.press("Return")
                wait_until(lambda: windows("Choose a folder") <= 1, "what was in the way is gone")
                return False
            wait_until(lambda: windows("^photos — CSRA$"), "the folder is open")
            self.desktop.activate("^photos — CSRA$")
            return True

        wait_until(opens, "the folder is open")

    def filter(self, text: str, names: set[str]) -> None:
        """Type a filter until these photos are shown; Return leads on to them."""

        def shows() -> bool:
            self.desktop.press("ctrl+f")
            self.desktop.type(text)
            self.desktop.press("Return")
            return self.shown() == names

        wait_until(shows, f"{text!r} shows {sorted(names)}")

    def show_all(self, names: set[str]) -> None:
        """Take the filter away, and go to the photos."""
        self.desktop.press("ctrl+shift+f", "ctrl+f", "Escape")
        wait_until(lambda: self.shown() == names, f"all are shown: {sorted(names)}")

    def shown(self) -> set[str]:
        """Names of the photos that pass the filter; they are selected from now on."""
        self.desktop.press("ctrl+a", "ctrl+shift+c")
        return {Path(line).name for line in self.desktop.clipboard().splitlines()}

    def add_label(self, label: str) -> None:
        """Type a label, and go to the list of labels once it is given.

        Nobody types faster than the window answers: the end of the list of offers would take the
        focus back from where Escape leads.
        """
        self.desktop.press("a")
        self.desktop.type(label)
        self.desktop.press("Return")
        wait_until(
            lambda: any(said == label for _, said in self.said()), f"the label {label!r} is given"
        )
        self.desktop.press("Escape")

    def wait_for(self, said: Said) -> None:
        """Until the library has these decisions and no others."""
        try:
            wait_until(lambda: self.said() == said, "the library says what was said")
        except AssertionError as error:
            error.add_note(f"It says {self.said()}, not {said}.")
            raise

    def said(self) -> Said:
        """Every decision, by the photo's name and the label."""
        query = "SELECT name, category, verdict FROM decisions JOIN images ON id = image_id"
        return {(name.decode(), label): word for name, label, word in self._rows(query)}

    def reviewed(self) -> set[str]:
        """Names of the photos that are marked."""
        return {name.decode() for (name,) in self._rows("SELECT name FROM images WHERE reviewed")}

    def scores(self) -> dict[str, bytes]:
        """What the model said, as it is stored, by the photo's name."""
        query = "SELECT name, scores FROM scores JOIN images ON id = image_id"
        return {name.decode(): scores for name, scores in self._rows(query)}

    def exchange_scores(self, one: str, other: str) -> None:
        """Let the library say of each of two photos what the model said of the other."""
        scores = self.scores()
        change = (
            "UPDATE scores SET scores = ? WHERE image_id = (SELECT id FROM images WHERE name = ?)"
        )
        with contextlib.closing(connect_writing(self.library, 5.0)) as connection:
            connection.execute(change, (scores[other], one.encode()))
            connection.execute(change, (scores[one], other.encode()))

    def faults(self) -> list[str]:
        """What the log complains of."""
        log = (self.profile / LOG_NAME).read_text(encoding="utf-8")
        return [line for line in log.splitlines() if " WARNING " in line or " ERROR " in line]

    def _rows(self, query: str) -> list[tuple[bytes, ...]]:
        """Nothing as long as there is no library."""
        try:
            with contextlib.closing(connect_reading(self.library)) as connection:
                return connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    with new_desktop() as desktop:
        yield desktop


@pytest.mark.slow
def test_what_a_key_says_of_a_photo_is_there_after_a_restart_and_can_be_undone(
    desktop: Desktop, tmp_path: Path
) -> None:
    story = Story(desktop, tmp_path, CAT)
    with story.start():
        story.open_folder()
        wait_until(lambda: CAT in story.scores(), "the photo is tagged")
        assert story.shown() == {CAT}  # the window answers, and shows by then what it was told
        desktop.press("1")
        story.wait_for({(CAT, "cat"): "accepted"})
    with story.start():
        desktop.activate("photos — CSRA")

        def undone() -> bool:  # there is nothing to undo until the library is read
            desktop.press("ctrl+z")
            return story.said() == {} and CAT in story.scores()  # it was read, and says so

        wait_until(undone, "what was said is taken back")
    assert story.faults() == []


@pytest.mark.slow
def test_what_a_person_says_by_keys_is_there_after_a_restart_without_tagging_again(
    desktop: Desktop, tmp_path: Path
) -> None:
    story = Story(desktop, tmp_path, ASTRONAUT, CAT, COFFEE, SHEEP)
    with story.start():
        story.open_folder()
        search_and_label(story)
        review(story)
    assert story.reviewed() == {ASTRONAUT, CAT, COFFEE}
    assert story.scores().keys() == {ASTRONAUT, CAT, COFFEE, SHEEP}

    story.exchange_scores(CAT, COFFEE)  # to see whether they are made anew
    exchanged = story.scores()
    shutil.copy(SAMPLES / "rocket.jpg", story.photos / LATE)
    with story.start():
        wait_until(lambda: LATE in story.scores(), "the late photo is tagged")
        look_again(story)
    assert {name: story.scores()[name] for name in exchanged} == exchanged
    assert {file.suffix for file in story.photos.iterdir()} == {".jpg"}
    assert story.faults() == []


REVIEWED: Said = {
    (CAT, "pet"): "added",
    (CAT, "cat"): "accepted",
    (ASTRONAUT, "space suit"): "added",
    (ASTRONAUT, "person"): "rejected",
    (ASTRONAUT, "rocket"): "accepted",
    (COFFEE, "saucer"): "added",
    (COFFEE, "coffee"): "accepted",
    (COFFEE, "cup"): "accepted",
    (SHEEP, "sheep"): "accepted",
}


def search_and_label(story: Story) -> None:
    """What is typed goes to all photos that the filter shows, and to no others."""
    everything = {ASTRONAUT, CAT, COFFEE, SHEEP}
    story.filter("tagged:yes", everything)  # in the end: photos appear and are tagged meanwhile
    story.filter("cat", {CAT})
    story.add_label("pet")
    story.wait_for({(CAT, "pet"): "added"})
    story.show_all(everything)


def review(story: Story) -> None:
    """From the first photo to the last; Return goes on."""
    press = story.desktop.press
    press("alt+Home", "ctrl+d")
    story.add_label("space suit")
    press("Home", "Delete")  # the machine's first label; Return accepts the others
    press("Return")
    press("Return")  # the cat is one
    story.add_label("saucer")
    press("Return")
    story.wait_for(without_sheep())
    press("1")
    story.wait_for(REVIEWED)
    press("1")
    story.wait_for({**REVIEWED, (SHEEP, "sheep"): "rejected"})
    press("ctrl+z")
    story.wait_for(REVIEWED)


def look_again(story: Story) -> None:
    """The window knows what was said and what was stored, and takes back what was said before."""
    story.filter("cat", {CAT, COFFEE})  # the one by decision, the other by the scores exchanged
    story.filter('"space suit"', {ASTRONAUT})
    story.filter("reviewed:no", {SHEEP, LATE})
    story.show_all({ASTRONAUT, CAT, COFFEE, SHEEP, LATE})
    story.desktop.press("ctrl+z")
    story.wait_for(without_sheep())


def without_sheep() -> Said:
    return {key: word for key, word in REVIEWED.items() if key[0] != SHEEP}
