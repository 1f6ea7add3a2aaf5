"""Which photos a job is about, from folders, lists and tables."""

import os
import sys

import pytest

from engine.api.errors import DataError
from engine.cluster.listing import Found, InputList, Wanted, facts_of, write_list
from tests.engine.cluster.photos import write_photos

arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def paths(wanted, found=None):
    return list(wanted.paths(found or Found()))


def test_a_folder_gives_its_photos_with_their_whole_path_and_tells_what_is_left_out(
    tmp_path, monkeypatch
):
    write_photos(tmp_path / "photos", 2)
    write_photos(tmp_path / "photos" / "below", 1)
    (tmp_path / "photos" / "film.mov").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    found = Found()
    names = [f"{tmp_path}/photos/{i:05}.jpg".replace("/", os.sep) for i in range(2)]
    assert paths(Wanted(("photos",)), found) == names
    assert found.left_out.total() == 1 and not found.skipped
    deeper = paths(Wanted(("photos",), recursive=True))
    assert deeper == [*names, str(tmp_path / "photos" / "below" / "00000.jpg")]


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DataError, match="no file or folder"):
        paths(Wanted((str(tmp_path / "nowhere"),)))


def test_a_list_has_a_path_per_line_whatever_ends_the_lines(tmp_path):
    file = tmp_path / "list.txt"
    file.write_bytes(b"\xef\xbb\xbf/a b.jpg\r\n\n  \n/c.jpg\ns3://bucket/d.jpg")
    assert paths(Wanted(list_file=str(file))) == ["/a b.jpg", "/c.jpg", "s3://bucket/d.jpg"]


def test_the_list_that_is_kept_gives_names_back_that_are_no_utf_8(tmp_path):
    if sys.platform == "win32":
        pytest.skip("names are text there")
    (tmp_path / "list.txt").write_bytes(b"/\xff.jpg\n/b.jpg\n/c.jpg\n")
    given = paths(Wanted(list_file=str(tmp_path / "list.txt")))
    facts = write_list(tmp_path / "input", given, 2)
    kept = InputList(tmp_path / "input")
    assert facts.photos == 3 and facts == facts_of(given)
    assert [kept.part(i) for i in range(kept.parts)] == [given[:2], given[2:]]
    assert os.fsencode(kept.part(0)[0]) == b"/\xff.jpg"


def test_a_column_of_a_table_names_photos(tmp_path):
    file = tmp_path / "table.parquet"
    parquet.write_table(arrow.table({"id": [1, 2], "place": ["/a.jpg", "/b.jpg"]}), file)
    assert paths(Wanted(list_file=str(file), column="place")) == ["/a.jpg", "/b.jpg"]
    with pytest.raises(DataError, match="--column"):
        paths(Wanted(list_file=str(file)))


@pytest.mark.parametrize("content", [b"", b"PAR1 and nothing else"])
def test_a_table_that_is_none_is_told(tmp_path, content):
    file = tmp_path / "table.parquet"
    file.write_bytes(content)
    with pytest.raises(DataError, match="no Parquet file"):
        paths(Wanted(list_file=str(file)))


def test_a_column_of_numbers_names_no_photos(tmp_path):
    file = tmp_path / "table.parquet"
    parquet.write_table(arrow.table({"path": [1, 2]}), file)
    with pytest.raises(DataError, match="no Parquet file with paths"):
        paths(Wanted(list_file=str(file)))


def test_photos_of_a_storage_come_in_order_with_their_whole_address():
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    for name in ("b.jpg", "a.jpg", "note.txt", "below/c.jpg"):
        memory.pipe(f"/listing/{name}", b"x")
    try:
        assert paths(Wanted(("memory://listing",))) == [
            "memory:///listing/a.jpg",
            "memory:///listing/b.jpg",
        ]
        assert len(paths(Wanted(("memory://listing",), recursive=True))) == 3
        with pytest.raises(DataError, match="no file or folder"):
            paths(Wanted(("memory://nothing",)))
    finally:
        memory.rm("/listing", recursive=True)


def test_a_storage_that_nobody_knows_is_told():
    pytest.importorskip("fsspec")
    with pytest.raises(DataError, match="cannot be opened"):
        paths(Wanted(("nosuch://bucket/photos",)))
