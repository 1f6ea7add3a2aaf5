"""Names that come back in another spelling, on disks that tell them apart and on others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from unicodedata import normalize

import pytest

from csra_gui.session.spellings import Spellings
from engine.library.opening import open_library
from engine.library.respelling import spelling_key
from engine.library.store import Library
from engine.library.values import ImageFile, look_at

COMPOSED, TAKEN_APART = normalize("NFC", "Zoë"), normalize("NFD", "Zoë")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library.db") as opened:
        yield opened


@pytest.fixture
def case_blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a disk of Windows or a Mac: every spelling of a name leads to the file."""

    def blind(ask: Callable[..., object]) -> Callable[..., object]:
        def found(path: object, *args: object, **kwargs: object) -> object:
            if isinstance(path, int):
                return ask(path, *args, **kwargs)
            place = Path("/")
            for part in Path(os.fsdecode(path)).parts[1:]:  # type: ignore[arg-type]
                same = [
                    n.name for n in place.iterdir() if spelling_key(n.name) == spelling_key(part)
                ]
                place /= same[0] if same else part
            return ask(place, *args, **kwargs)

        return found

    for name in ("stat", "lstat"):
        monkeypatch.setattr(os, name, blind(getattr(os, name)))


def photo(folder: Path, name: str, content: str = "x") -> ImageFile:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content)
    file = look_at(folder / name)
    assert file is not None
    return file


def look(library: Library, *files: ImageFile) -> list[int]:
    Spellings(library).tell(files)
    return library.add_images(files)


NAMES = [("IMG.JPG", "img.jpg"), (f"{COMPOSED}.jpg", f"{TAKEN_APART}.jpg"), ("ß.jpg", "SS.JPG")]


@pytest.mark.parametrize(("old", "new"), NAMES, ids=["case", "accents", "sharp s"])
def test_a_file_renamed_in_spelling_only_is_the_same_photo(
    library: Library, tmp_path: Path, old: str, new: str
) -> None:
    ids = look(library, photo(tmp_path / "p", old))
    (tmp_path / "p" / old).rename(tmp_path / "p" / new)
    file = look_at(tmp_path / "p" / new)
    assert file is not None
    assert look(library, file) == ids
    assert [known.path.name for known in library.files().values()] == [new]
    assert look(library, file) == ids


@pytest.mark.parametrize(("old", "new"), NAMES, ids=["case", "accents", "sharp s"])
def test_files_that_differ_in_spelling_only_are_two_photos(
    library: Library, tmp_path: Path, old: str, new: str
) -> None:
    first = look(library, photo(tmp_path / "p", old, "one"))
    both = look(library, photo(tmp_path / "p", new, "other"), photo(tmp_path / "p", old, "one"))
    assert both[1] == first[0] and len(set(both)) == 2


def test_another_file_of_a_name_that_is_gone_is_another_photo(
    library: Library, tmp_path: Path
) -> None:
    first = look(library, photo(tmp_path / "p", "IMG.JPG", "one"))
    (tmp_path / "p/IMG.JPG").unlink()
    assert look(library, photo(tmp_path / "p", "img.jpg", "another")) != first


@pytest.mark.usefixtures("case_blind")
def test_on_a_disk_that_takes_any_spelling_a_changed_file_stays_the_same_photo(
    library: Library, tmp_path: Path
) -> None:
    ids = look(library, photo(tmp_path / "p", "IMG.JPG"))
    (tmp_path / "p/IMG.JPG").rename(tmp_path / "p/img.jpg")
    assert look(library, photo(tmp_path / "p", "img.jpg", "edited since")) == ids


@pytest.mark.usefixtures("case_blind")
def test_on_such_a_disk_a_folder_may_be_typed_in_any_spelling(
    library: Library, tmp_path: Path
) -> None:
    file = photo(tmp_path / "Photos/Rome", "a.jpg")
    ids = look(library, file)
    typed = ImageFile(tmp_path / "photos/rome/a.jpg", file.size, file.mtime_ns)
    assert look(library, typed) == ids
    assert len(library.files()) == 1


def test_folders_that_differ_in_spelling_only_are_two(library: Library, tmp_path: Path) -> None:
    first = look(library, photo(tmp_path / "Photos", "a.jpg"))
    assert look(library, photo(tmp_path / "photos", "a.jpg")) != first
    assert len(library.files()) == 2


@pytest.mark.parametrize(
    "name",
    [
        *(b"caf\xe9.jpg", b"two\nlines.jpg", b"-rf.jpg", b"a\\b.jpg", b" .jpg", b"con.jpg"),
        *("\N{CAMERA}.jpg".encode(), b"x" * 251 + b".jpg", b"%s%n{0}&amp;.jpg", b"nul.jpg "),
    ],
)
def test_any_name_is_known_again(library: Library, tmp_path: Path, name: bytes) -> None:
    file = photo(tmp_path / "p", os.fsdecode(name))
    ids = look(library, file)
    assert look(library, file) == ids
    assert library.files() == {ids[0]: file}
