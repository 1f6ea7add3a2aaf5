"""Labels are written into photos: nothing else in them changes, and all of it can be undone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

from engine import cli
from engine.data.decoding.decode import decode
from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.writing import embed_check, job
from engine.interchange.writing.embedding import Embedder
from engine.interchange.writing.values import Target, WriteError, WriteOptions, WriteReport
from engine.library.images import content_hash
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import Attribute, Verdict, Wish, look_at
from engine.library.written import WrittenFile
from engine.metadata import xmp
from engine.metadata.embedded import read_embedded
from engine.metadata.picture_data import picture_digest
from engine.metadata.values import Changes
from tests.engine.interchange.writing.embedding_parts import (
    EMBED,
    MAKERS,
    TRAILER,
    XMP_NAME,
    exif_of,
    exif_of_all,
    exiftool,
    needs_exiftool,
    plain,
    segment,
)
from tests.engine.interchange.writing.parts import contents, finished

pytestmark = needs_exiftool
_LABELS = ("dog", "Größe", "a & <b>", "-x=y", "2024")
_OURS = ("Keywords", "Subject", "TagsList", "CodedCharacterSet", "RecordVersion", "XMPToolkit")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    found = tmp_path / "photos"
    found.mkdir()
    return found


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library.db") as opened:
        yield opened


def say(library: Library, photo: Path, *labels: str, verdict: Verdict | None = None) -> None:
    (image,) = library.add_images([file for file in [look_at(photo)] if file])
    wished = verdict or Verdict.ADDED
    library.decide([Wish(image, label, wished) for label in labels], who="me", caption="Test")


def write(library: Library, place: Path, options: WriteOptions = EMBED) -> WriteReport:
    choice = ExportChoice(library.ids_below(place, recursive=True))
    return finished(job.write(library, choice, options))


def frames(path: Path) -> list[Any]:
    if path.suffix == ".heic":
        return [decode(path, None).pixels]
    with Image.open(path) as image:
        return [np.array(frame.convert("RGBA")) for frame in ImageSequence.Iterator(image)]


def fields_of(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """What is in photos but for what we write, and what is of the file."""
    groups = ("SourceFile", "System", "ExifTool", "Composite")
    places = ("Offset", "Offsets", "Start")
    return [
        {
            key: value
            for key, value in found.items()
            if not key.startswith(groups) and not key.endswith((*_OURS, *places))
        }
        for found in exif_of_all(paths, "-n", "-a")
    ]


@dataclass(frozen=True)
class Known:
    """What a photo is before anything is written into it."""

    photo: Path
    kind: str
    digest: str
    pictures: list[Any]
    theirs: set[str]

    @classmethod
    def of(cls, photo: Path, kind: str) -> Known:
        digest, pictures = picture_digest(photo), frames(photo)
        assert digest, kind
        return cls(photo, kind, digest, pictures, words(photo))

    def assert_kept(self) -> None:
        assert picture_digest(self.photo) == self.digest, self.kind
        assert all(map(np.array_equal, self.pictures, frames(self.photo))), self.kind


@pytest.mark.slow
def test_labels_go_into_photos_of_every_kind_and_out_again(library: Library, place: Path) -> None:
    known = []
    for number, (kind, (name, make)) in enumerate(MAKERS.items()):
        photo = place / f"{number}{Path(name).suffix}"
        make(photo)
        known.append(Known.of(photo, kind))
        say(library, photo, *_LABELS)
    photos = [one.photo for one in known]
    fields = fields_of(photos)
    report = write(library, place)
    assert (report.written, report.refused) == (len(MAKERS), ())
    list(map(_assert_kept, fields, fields_of(photos)))
    for one, found in zip(known, exif_of_all(photos), strict=True):
        expected = {*_LABELS, *one.theirs}
        assert words(one.photo) == expected, one.kind
        assert set(map(str, found["XMP-dc:Subject"])) == expected, one.kind
        if one.photo.suffix in (".jpg", ".tif", ".dng"):
            assert set(map(str, found["IPTC:Keywords"])) == expected, one.kind
        one.assert_kept()
    written = contents(place)
    again = write(library, place)
    assert (again.written, again.unchanged) == (0, len(MAKERS))
    assert contents(place) == written
    assert finished(job.undo(library)).written == len(MAKERS)
    after = fields_of(photos)
    list(map(_assert_kept, fields, after))
    assert [found.keys() for found in after] == [found.keys() for found in fields]
    for one in known:
        assert words(one.photo) == one.theirs, one.kind
        one.assert_kept()
    assert set(place.iterdir()) == set(photos)


def _assert_kept(before: dict[str, Any], after: dict[str, Any]) -> None:
    changing = {"MPImage1:MPImageLength", "QuickTime:MediaDataSize", "File:FileType"}
    changing |= {"File:CurrentIPTCDigest", "RIFF:WebP_Flags", "XMP-xmpNote:HasExtendedXMP"}
    lost = {k: (v, after.get(k)) for k, v in before.items() if after.get(k) != v}
    assert lost.keys() <= changing, lost


@pytest.mark.slow
def test_a_film_behind_a_picture_stays(library: Library, place: Path) -> None:
    name, make = MAKERS["motion photo"]
    make(place / name)
    say(library, place / name, "dog")
    assert write(library, place).written == 1
    assert (place / name).read_bytes().endswith(TRAILER)


@pytest.fixture
def photo(library: Library, place: Path) -> Path:
    """A photo that was said to have a dog."""
    found = place / "a.jpg"
    plain(found)
    say(library, found, "dog")
    return found


def words(photo: Path) -> set[str]:
    return set(read_embedded(photo).values.keywords)


def test_nothing_is_written_without_a_second_consent(library: Library, photo: Path) -> None:
    before = photo.read_bytes()
    with pytest.raises(WriteError, match="agreed"):
        write(library, photo.parent, WriteOptions(Target.EMBED))
    assert photo.read_bytes() == before
    assert library.last_write() is None


@pytest.mark.slow
def test_the_library_still_knows_a_photo_that_was_written_into(
    library: Library, photo: Path
) -> None:
    (image,) = library.ids_below(photo.parent, recursive=True).tolist()
    library.set_hashes([(image, content_hash(photo))])
    steps = job.write(library, ExportChoice(np.array([image])), EMBED)
    told = [pair for step in steps for pair in step.rewritten]
    assert told == [(told[0][0], look_at(photo))]
    for _ in range(2):
        assert library.files()[image] == look_at(photo)
        (known,) = library.same_content(content_hash(photo))
        assert known.id == image
        finished(job.undo(library))


@pytest.mark.slow
def test_a_label_taken_back_goes_and_what_others_wrote_stays(library: Library, photo: Path) -> None:
    exiftool(photo, "-XMP-dc:Subject=cat", "-IPTC:Keywords=cat")
    say(library, photo, "dog", "cat")
    write(library, photo.parent)
    assert words(photo) == {"cat", "dog"}
    say(library, photo, "dog", "cat", verdict=Verdict.REJECTED)
    assert write(library, photo.parent).written == 1
    assert words(photo) == {"cat"}
    assert finished(job.undo(library)).written == 1
    assert words(photo) == {"cat", "dog"}
    assert finished(job.undo(library)).written == 1
    assert words(photo) == {"cat"}


@pytest.mark.slow
def test_what_others_did_since_stays_in_an_undo(library: Library, photo: Path) -> None:
    write(library, photo.parent)
    exiftool(photo, "-XMP-dc:Subject+=Rome", "-XMP-xmp:Rating=3", "-IPTC:Keywords+=Rome")
    assert finished(job.undo(library)).written == 1
    assert words(photo) == {"Rome"}
    assert exif_of(photo)["XMP-xmp:Rating"] == 3
    assert library.last_write() is None


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["rich jpeg", "depth map", "png"])
def test_a_rating_a_colour_and_a_title_go_in_and_out(place: Path, kind: str) -> None:
    """As a write may ask for them: its journal keeps the packet from before."""
    name, make = MAKERS[kind]
    photo = place / name
    make(photo)
    was = read_embedded(photo).values
    with Embedder() as embedder:
        planned = embedder.planned(photo, [("dog",)], (), EMBED)
        wanted = Changes(rating=2, color_label="Red", title="Über <alles>")
        after = xmp.merged(planned.after, wanted)
        written = embedder.write(replace(planned, after=after), lambda _: None, keep_mtime=False)
        said = read_embedded(photo).values
        assert (said.rating, said.color_label, said.title) == (2, "Red", "Über <alles>")
        old = planned.before.data if planned.before else None
        noted = WrittenFile(
            1, photo, old, written.digest.hex(), planned.added, photo=planned.photo_state
        )
        assert embedder.restore(noted) is not None
    assert read_embedded(photo).values == was


@pytest.mark.slow
def test_long_and_other_letters_stay_out_of_iptc_that_cannot_hold_them(
    library: Library, photo: Path
) -> None:
    long = "ä" * 33
    exiftool(photo, "-IPTC:Keywords=Fähre")  # without a word on its characters
    say(library, photo, long, "x" * 64, "Größe")
    steps = job.preview(
        library, ExportChoice(library.ids_below(photo.parent, recursive=True)), EMBED
    )
    (planned,) = [file for step in steps for file in step.planned]
    assert "In XMP alone" in planned.text()
    assert write(library, photo.parent).written == 1
    assert words(photo) == {"dog", long, "x" * 64, "Größe", "Fähre"}
    assert set(exif_of(photo)["IPTC:Keywords"]) == {"Fähre", "dog", "x" * 64}
    assert write(library, photo.parent).unchanged == 1


def raw(path: Path) -> None:
    MAKERS["tiff"][1](path.with_suffix(".tif"))
    path.with_suffix(".tif").rename(path)


def gif(path: Path) -> None:
    Image.new("RGB", (8, 8)).save(path)


def cut(path: Path) -> None:
    plain(path)
    path.write_bytes(path.read_bytes()[:400])


def text(path: Path) -> None:
    path.write_text("no photo")


def unknown_maker(path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x927C] = b"MAKER\0" + bytes(range(200))
    Image.new("RGB", (8, 8)).save(path, exif=exif.tobytes())


def hostile(path: Path) -> None:
    plain(path)
    packet = b'<?xpacket begin=""?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    data = path.read_bytes()
    path.write_bytes(data[:2] + segment(XMP_NAME + packet) + data[2:])


_REFUSED: dict[str, Callable[[Path], None]] = {
    "raw.nef": raw,
    "r.gif": gif,
    "cut.jpg": cut,
    "text.jpg": text,
    "maker.tif": unknown_maker,
    "hostile.jpg": hostile,
}


@pytest.mark.slow
def test_what_cannot_be_written_safely_is_left_alone_with_a_sentence_and_the_rest_goes_on(
    library: Library, photo: Path
) -> None:
    for name, make in _REFUSED.items():
        make(photo.with_name(name))
        say(library, photo.with_name(name), "dog")
    before = contents(photo.parent)
    report = write(library, photo.parent)
    assert {path.name for path, _ in report.refused} == _REFUSED.keys()
    assert all("left alone" in why and path.name in why for path, why in report.refused)
    assert (report.written, words(photo)) == (1, {"dog"})
    assert {**contents(photo.parent), photo.name: before[photo.name]} == before


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="names and links as on Unix")
def test_names_mean_nothing(library: Library, place: Path) -> None:
    names = ["-delete.jpg", "a\nb.jpg", "%f@$x.jpg", b"\xff.jpg", "touch x|", "#[CSTR].jpg"]
    photos = [place / os.fsdecode(name) for name in names]
    for photo in photos:
        plain(place / "a.jpg")
        (place / "a.jpg").rename(photo)
        say(library, photo, "dog")
    assert write(library, place).written == len(names)
    assert all(words(photo) == {"dog"} for photo in photos)
    assert set(place.iterdir()) == set(photos)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs links and permissions")
def test_links_and_attributes_stay(library: Library, photo: Path, tmp_path: Path) -> None:
    real = tmp_path / "real.jpg"
    photo.rename(real)
    photo.symlink_to(real)
    real.chmod(0o640)
    os.utime(real, ns=(10**18, 10**18))
    say(library, photo, "dog")
    options = WriteOptions(Target.EMBED, may_change_photos=True, keep_mtime=True)
    assert write(library, photo.parent, options).written == 1
    assert photo.is_symlink()
    assert words(real) == {"dog"}
    found = real.stat()
    assert (found.st_mode & 0o777, found.st_mtime_ns) == (0o640, 10**18)


@pytest.mark.slow
@pytest.mark.parametrize("at", ["check", "replace"])
def test_a_crash_is_settled_by_the_next_write(
    library: Library, photo: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """The journal cannot be written any more either: the program is gone."""
    before = photo.read_bytes()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(library, "settle_files", lambda *_: None)
        if at == "check":
            patch.setattr(embed_check.PictureCheck, "finish", crash)
        else:
            patch.setattr(library, "note_rewritten", crash)
        with pytest.raises(KeyboardInterrupt):
            write(library, photo.parent)
    assert (photo.read_bytes() == before) == (at == "check")
    assert job.recover(library) == 1
    assert list(library.files().values()) == [look_at(photo)]
    assert (library.last_write() is None) == (at == "check")
    assert write(library, photo.parent).written == (1 if at == "check" else 0)
    assert finished(job.undo(library)).written == 1
    assert words(photo) == set()


@pytest.mark.slow
def test_the_command_asks_twice_and_says_what_is_missing(
    library: Library, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library.close()
    before = photo.read_bytes()
    command = ["write", str(photo), "--to", "embed", "--library", str(library.path)]
    assert cli.run(command) == 1
    assert "--yes-change-originals" in capsys.readouterr().err
    assert cli.run([*command, "--yes-change-originals", "--exiftool", "/nowhere/exiftool"]) == 1
    assert "/nowhere/exiftool" in capsys.readouterr().err
    assert cli.run([*command, "--dry-run"]) == 0
    assert "+ dog" in capsys.readouterr().out
    assert photo.read_bytes() == before
    assert cli.run([*command, "--yes-change-originals"]) == 0
    assert words(photo) == {"dog"}
    assert cli.run(["write", "--undo", "--library", str(library.path)]) == 0
    assert words(photo) == set()


@pytest.mark.slow
def test_a_rating_alone_goes_into_the_photo_and_out_of_it_again(
    library: Library, place: Path
) -> None:
    photo = place / "a.jpg"
    plain(photo)
    file = look_at(photo)
    assert file is not None
    (image,) = library.add_images([file])
    for attribute, value in (("rating", "4"), ("color_label", "red"), ("title", "Sea & ö")):
        library.rate([image], Attribute(attribute), value, caption="Test")
    before = read_embedded(photo).values
    chosen = ExportChoice(np.array([image], dtype=np.int64))
    report = finished(job.write(library, chosen, EMBED))
    assert (report.written, report.refused) == (1, ())
    said = read_embedded(photo).values
    assert (said.rating, said.color, said.title) == (4, "red", "Sea & ö")
    assert all(agreed for _, agreed in library.own_attributes([image])[image].values())
    assert finished(job.write(library, chosen, EMBED)).unchanged == 1
    finished(job.undo(library))
    assert read_embedded(photo).values == before
