"""Which part of many photos one belongs to."""

import os
import unicodedata
from pathlib import Path

import pytest

from engine.api.errors import ConfigError
from engine.data.shards import Shard

ROOT = Path("/mnt/photos")


def shard_of(path, count=7, roots=(ROOT,)):
    (found,) = [k for k in range(count) if [*Shard(k, count).part([Path(path)], roots)]]
    return found


def test_each_photo_is_in_one_shard_and_all_are_about_as_large():
    found = [shard_of(ROOT / f"{n // 100}" / f"IMG_{n:05}.jpg") for n in range(4000)]
    sizes = [found.count(k) for k in range(7)]
    assert sum(sizes) == 4000
    assert min(sizes) > 480
    assert max(sizes) < 670


def test_a_photo_keeps_its_shard_for_ever():
    # From a first run; another value would split the work of machines of two versions.
    names = ("a.jpg", "2019/Été/IMG_1.CR2", "b/c d.heic")
    assert [shard_of(ROOT / name) for name in names] == [2, 6, 2]


def test_where_the_folder_is_mounted_does_not_matter():
    for name in ("a.jpg", "2019/x.jpg", "2019/y.jpg", "deep/er/z.png"):
        here = shard_of(ROOT / name)
        there = Path("/Volumes/other/share")
        assert shard_of(there / name, roots=(there,)) == here
        assert shard_of(Path(name), roots=(Path(),)) == here


def test_the_first_of_several_folders_counts_and_a_file_that_is_named_goes_by_its_name():
    roots = Path("x"), Path("x/y"), Path("z/a.jpg")
    assert shard_of("x/y/b.jpg", roots=roots) == shard_of(ROOT / "y/b.jpg")
    assert shard_of("z/a.jpg", roots=roots) == shard_of(ROOT / "a.jpg")
    assert shard_of("z/b/a.jpg", roots=(Path("z/b/a.jpg"), Path("z"))) == shard_of(ROOT / "b/a.jpg")


@pytest.mark.parametrize("other", ["a.CR2", "a.dng", "A.JPG", "a.heic"])
def test_a_raw_is_where_its_jpeg_is(other):
    assert shard_of(ROOT / "day" / other, 200) == shard_of(ROOT / "day/a.jpg", 200)


def test_spelling_of_accents_and_case_do_not_matter():
    name = "Été Ångström"
    forms = {unicodedata.normalize(form, name) for form in ("NFC", "NFD")}
    assert len(forms) == 2
    assert len({shard_of(ROOT / f"{form}.jpg", 200) for form in (*forms, name.upper())}) == 1


def test_names_that_are_no_text_have_a_shard_too():
    shard_of(ROOT / os.fsdecode(b"\xff\xfe.jpg"))
    shard_of(ROOT / "\ud800.jpg")


def test_only_the_ending_of_a_file_is_left_out():
    assert len({shard_of(ROOT / f"2019.{month}/a", 200) for month in range(20)}) > 10
    assert len({shard_of(ROOT / f".{name}", 200) for name in "abcdefghij"}) > 5


@pytest.mark.parametrize("text", ["0/1", "3/4", " 1/2 ", "999999998/999999999"])
def test_a_shard_is_read_and_written(text):
    assert str(Shard.parse(text)) == text.strip()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3/3", "of 3 the first is 0/3 and the last 2/3"),
        ("-1/4", "counted from 0"),
        ("1/0", "at least one"),
        ("0/-2", "at least one"),
        ("a/b", "0/4 is the first of four"),
        ("1", "0/4 is the first of four"),
        ("1/2/3", "0/4 is the first of four"),
        ("", "0/4 is the first of four"),
        ("1.5/3", "0/4 is the first of four"),
        ("٣/٤", "0/4 is the first of four"),
        ("9" * 5000 + "/1", "0/4 is the first of four"),
    ],
)
def test_what_is_no_shard_is_refused_with_a_sentence(text, message):
    with pytest.raises(ConfigError, match=message):
        Shard.parse(text)
