"""Tags that were made elsewhere come into a library, checked, and without touching decisions."""

import hashlib
import os

import numpy as np
import pytest

from engine.api.categories import Categories
from engine.interchange.importing.tag_paths import PathMap, PathRule
from engine.interchange.importing.tag_values import (
    ADVICE,
    EXAMPLES,
    Refusal,
    TagCheck,
    TagWish,
)
from engine.interchange.importing.tags import import_tags, preview_tags, summary_lines
from engine.library.backup import backups
from engine.library.opening import open_library
from engine.library.values import LibraryModel, Verdict, Wish, look_at
from engine.records.tag_rows import FileLook, TaggedBy
from tests.engine.interchange.importing.tag_parts import (
    BY,
    MODEL,
    SCORES,
    imported,
    json_line,
    lines,
    make_photo,
    parquet,
    result,
    row,
    scores_in,
    why,
)


@pytest.fixture
def library(tmp_path):
    with open_library(tmp_path / "l.db") as opened:
        yield opened


@pytest.fixture
def photo(tmp_path):
    return make_photo(tmp_path / "photos" / "a.jpg")


def csv_lines(path, *rows):
    return lines(path, "path,model,category,score,error,label,size,mtime", *rows)


def seconds(path):
    return repr(path.stat().st_mtime)


@pytest.fixture(params=["parquet", "jsonl", "csv"])
def results(request, photo, tmp_path):
    """The same in each format: a photo, one that is gone, and one that could not be tagged."""
    gone, bad = photo.with_name("gone.jpg"), photo.with_name("bad.jpg")
    path = tmp_path / f"r.{request.param}"
    size, at = photo.stat().st_size, photo.stat().st_mtime
    if request.param == "parquet":
        pytest.importorskip("pyarrow")
        there = row(photo)
        return parquet(path, there, row(gone, look=FileLook(1, 1)), row(bad, error="It is cut."))
    if request.param == "jsonl":
        return lines(
            path,
            json_line(photo, size=size, mtime=at),
            json_line(gone, size=1, mtime=1),
            json_line(bad, error="It is cut."),
        )
    cells = [
        f"{photo},Small,{n},{s:.6f},,{n},{size},{at!r}"
        for n, s in zip(("dog", "cat", "'=sum"), (0.75, 0.25, 0.0), strict=True)
    ]
    empty = [f"{gone},Small,,,,,1,1.0", f"{bad},Small,,,It is cut.,,,"]
    return csv_lines(path, *cells, *empty)


def test_each_format_comes_in_and_what_fails_is_counted_and_named(library, results, photo):
    report = imported(library, results)
    assert scores_in(library) == {"a.jpg": list(SCORES)}
    assert (report.rows, report.imported, report.new, report.kept) == (3, 1, 1, 0)
    assert why(report) == {Refusal.NOT_THERE: 1}
    assert report.refused[0].examples == (str(photo.with_name("gone.jpg")),)
    assert [(each.what, each.count) for each in report.failed] == [("It is cut.", 1)]
    assert report.models == ((MODEL, 1),)
    assert report.examples == ((str(photo), photo),)
    assert library.stored(library.files(), MODEL.fingerprint).errors == {}


def test_a_preview_counts_the_same_and_changes_nothing(library, results):
    wish = TagWish()
    preview = result(preview_tags(library, [results], wish, [MODEL]))
    assert library.files() == {} and library.models() == []
    assert backups(library.path) == [] and preview.backup is None
    real = result(import_tags(library, [results], wish, [MODEL]))
    assert (preview.rows, preview.imported, preview.refused, preview.failed) == (
        (real.rows, real.imported, real.refused, real.failed)
    )
    assert "would get" in preview.text() and "got" in real.text()


def test_decisions_and_their_undo_stay_and_the_photo_is_tagged(library, results, photo):
    (image,) = library.add_images([look_at(photo)])
    library.decide([Wish(image, "dog", Verdict.REJECTED)], who="me", caption="No dog")
    before = library.stored([image]).verdicts
    imported(library, results)
    assert library.stored([image]).verdicts == before != ()
    assert library.next_captions()[0] == "No dog"
    stored = library.stored([image], MODEL.fingerprint)
    assert stored.scored.tolist() == [image] and not stored.provisional.any()


def test_a_second_import_keeps_what_is_there_unless_it_shall_replace(library, photo, tmp_path):
    first = lines(tmp_path / "1.jsonl", json_line(photo))
    other = lines(tmp_path / "2.jsonl", json_line(photo, (0.5, 0.5, 0.5)))
    imported(library, first, check=TagCheck.NONE)
    again = imported(library, other, check=TagCheck.NONE)
    assert (again.imported, again.kept) == (0, 1)
    assert scores_in(library) == {"a.jpg": list(SCORES)}
    assert imported(library, other, check=TagCheck.NONE, replace=True).imported == 1
    assert scores_in(library) == {"a.jpg": [0.5, 0.5, 0.5]}


def test_a_photo_twice_in_the_results_is_stored_once(library, photo, tmp_path):
    file = lines(tmp_path / "1.jsonl", json_line(photo), json_line(photo, (0.5, 0.5, 0.5)))
    report = imported(library, file, check=TagCheck.NONE)
    assert (report.imported, report.kept) == (1, 1)
    assert scores_in(library) == {"a.jpg": list(SCORES)}


@pytest.mark.parametrize(
    ("off_ns", "size", "is_taken"),
    [(0, 5, True), (2_000_000_000, 5, True), (2_100_000_000, 5, False), (0, 6, False)],
)
def test_size_and_time_must_agree_within_two_seconds(
    library, photo, tmp_path, off_ns, size, is_taken
):
    at = photo.stat().st_mtime_ns - off_ns
    file = lines(tmp_path / "r.jsonl", json_line(photo, size=size, mtime=at / 1e9))
    report = imported(library, file)
    assert report.imported == is_taken
    assert why(report) == ({} if is_taken else {Refusal.OTHER_FILE: 1})


def test_a_hash_finds_a_file_with_another_time_and_refuses_another_content(library, tmp_path):
    same, other = make_photo(tmp_path / "a.jpg"), make_photo(tmp_path / "b.jpg", b"phot!")
    os.utime(same, ns=(1, 1))
    digest = hashlib.sha256(b"photo").hexdigest().upper()
    file = lines(
        tmp_path / "r.jsonl",
        json_line(same, sha256=digest, size=5),
        json_line(other, sha256=digest, size=5),
        json_line(same.with_name("c.jpg"), sha256=digest),
        json_line(other),
    )
    report = imported(library, file, check=TagCheck.HASH)
    assert list(scores_in(library)) == ["a.jpg"]
    assert why(report) == {
        Refusal.OTHER_CONTENT: 1,
        Refusal.NOT_THERE: 1,
        Refusal.NO_HASH: 1,
    }


def test_rows_without_size_and_time_are_told_and_come_in_unchecked(library, photo, tmp_path):
    file = lines(tmp_path / "r.jsonl", json_line(photo))
    report = imported(library, file)
    assert why(report) == {Refusal.NO_SIZE_TIME: 1} and report.imported == 0
    assert any("check: none" in line for line in summary_lines(report, ADVICE))
    assert imported(library, file, check=TagCheck.NONE).imported == 1


def test_a_changed_photo_gets_new_tags_and_loses_the_old(library, photo, tmp_path):
    imported(library, lines(tmp_path / "1.jsonl", json_line(photo)), check=TagCheck.NONE)
    make_photo(photo, b"another")
    file = lines(tmp_path / "2.jsonl", json_line(photo, (0.5, 0.5, 0.5)))
    assert imported(library, file, check=TagCheck.NONE).imported == 1
    assert scores_in(library) == {"a.jpg": [0.5, 0.5, 0.5]}


def test_photos_are_found_under_another_folder(library, photo, tmp_path):
    file = lines(tmp_path / "r.jsonl", json_line(r"D:\Trip\a.jpg"), json_line("a.jpg"))
    rules = (PathRule.of(r"D:\trip", str(photo.parent)),)
    report = imported(library, file, check=TagCheck.NONE, paths=PathMap(rules))
    assert report.examples == ((r"D:\Trip\a.jpg", photo),)
    assert why(report) == {Refusal.NOT_PLACED: 1}


def test_paths_that_lead_upwards_and_files_that_are_no_photos_are_refused(library, tmp_path):
    secret = make_photo(tmp_path / "secret.txt")
    make_photo(tmp_path / "x.jpg")
    file = lines(
        tmp_path / "r.jsonl",
        json_line(secret),
        json_line(tmp_path / "in" / ".." / "x.jpg"),
        json_line("/dev/null"),
        json_line(f"{tmp_path}/a\0b.jpg"),
        json_line(tmp_path),
    )
    report = imported(library, file, check=TagCheck.NONE)
    assert report.imported == 0 and library.files() == {}
    assert why(report) == {Refusal.NO_PHOTO: 3, Refusal.UPWARDS: 1, Refusal.NOT_THERE: 1}
    assert "\0" not in "".join(summary_lines(report, ADVICE))


def test_only_photos_that_the_library_has_if_so_wanted(library, photo, tmp_path):
    file = lines(tmp_path / "r.jsonl", json_line(photo))
    report = imported(library, file, check=TagCheck.NONE, known_only=True)
    assert why(report) == {Refusal.NOT_IN_LIBRARY: 1} and library.files() == {}
    library.add_images([look_at(photo)])
    assert imported(library, file, check=TagCheck.NONE, known_only=True).imported == 1


def test_rows_of_the_best_labels_alone_are_told_and_left_out_if_so_wanted(library, photo, tmp_path):
    file = lines(tmp_path / "r.jsonl", json_line(photo, (0.25, 0.75)))
    left = imported(library, file, check=TagCheck.NONE, complete_only=True)
    assert why(left) == {Refusal.PARTIAL: 1}
    report = imported(library, file, check=TagCheck.NONE)
    assert report.partial == 1 and "count as 0" in report.partial_text()
    assert scores_in(library) == {"a.jpg": [0.25, 0.75, 0.0]}


# Models.


def test_another_models_scores_are_kept_beside_and_the_present_model_stays(
    library, photo, tmp_path
):
    present = LibraryModel("fp-0", "Large", Categories(("tree",)))
    library.add_model(present)
    report = imported(library, lines(tmp_path / "r.jsonl", json_line(photo)), check=TagCheck.NONE)
    assert library.models()[-1] == present
    assert "Small" in report.model_text() and "the library shows Large" in report.model_text()
    assert scores_in(library) == {"a.jpg": list(SCORES)}


def test_the_model_becomes_the_one_used_last_if_so_wanted(library, photo, tmp_path):
    library.use_model(LibraryModel("fp-0", "Large", Categories(("tree",))))
    file = lines(tmp_path / "r.jsonl", json_line(photo))
    imported(library, file, check=TagCheck.NONE, use=True)
    assert library.models()[-1] == MODEL


def test_a_model_that_nobody_knows_is_told_where_the_file_gives_only_its_name(
    library, photo, tmp_path
):
    file = lines(tmp_path / "r.jsonl", json_line(photo))
    report = imported(library, file, models=(), check=TagCheck.NONE)
    assert why(report) == {Refusal.UNKNOWN_MODEL: 1}


def test_a_name_that_two_models_have_is_none_and_a_fingerprint_tells(library, photo, tmp_path):
    twin = LibraryModel("fp-2", "Small", Categories(("cat", "dog", "=sum")))
    named = lines(tmp_path / "1.jsonl", json_line(photo))
    exact = lines(tmp_path / "2.jsonl", json_line(photo, model_id="fp-2"))
    asked = {"models": (MODEL, twin), "check": TagCheck.NONE}
    assert why(imported(library, named, **asked)) == {Refusal.UNKNOWN_MODEL: 1}
    assert imported(library, exact, **asked).models == ((twin, 1),)


def test_parquet_brings_its_model_along_but_renames_none(library, photo, tmp_path):
    pytest.importorskip("pyarrow")
    file = parquet(tmp_path / "r.parquet", row(photo))
    assert imported(library, file, models=()).models == ((MODEL, 1),)
    liar = TaggedBy("Large", MODEL.fingerprint, Categories(("other",)))
    report = imported(library, parquet(tmp_path / "2.parquet", row(photo, (1,)), by=liar))
    assert report.imported == 0 and "other categories" in report.problems[0][1]
    assert library.models() == [MODEL]


# Big, stopped, kept.


def test_a_stopped_import_leaves_whole_batches_and_the_next_goes_on(library, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.interchange.importing.tag_files.PIECE", 4)
    photos = [make_photo(tmp_path / f"{n}.jpg") for n in range(10)]
    file = lines(tmp_path / "r.jsonl", *(json_line(photo) for photo in photos))
    work = import_tags(library, [file], TagWish(check=TagCheck.NONE), [MODEL])
    seen = [next(work) for _ in range(3)]
    work.close()
    assert [progress.imported for progress in seen] == [0, 4, 8]
    assert len(scores_in(library)) == 8
    report = imported(library, file, check=TagCheck.NONE)
    assert (report.imported, report.kept) == (2, 8)


def test_progress_goes_up_to_all_bytes(library, results):
    seen = list(import_tags(library, [results, results], TagWish(), [MODEL]))
    done = [progress.done for progress in seen]
    assert done == sorted(done) and done[-1] == seen[0].total > 0


def test_a_copy_of_the_library_is_made_first_and_those_of_other_days_stay(library, tmp_path):
    folder = tmp_path / "l.db.backups"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"{number:06}-2020010{number}.db").write_bytes(b"")
    for number in range(6):
        photo = make_photo(tmp_path / f"{number}.jpg")
        file = lines(tmp_path / "r.jsonl", json_line(photo))
        report = imported(library, file, check=TagCheck.NONE)
        assert report.backup in backups(library.path)
        with open_library(_copied(report.backup, tmp_path / f"copy-{number}.db")) as before:
            assert len(before.files()) == number
    assert {"000001-20200101.db", "000002-20200102.db"} <= {p.name for p in folder.iterdir()}
    assert len(backups(library.path)) <= 5


def _copied(path, target):
    target.write_bytes(path.read_bytes())
    return target


def test_examples_and_causes_are_few_however_many_rows_there_are(library, tmp_path):
    rows = [json_line(f"/gone/{n}.jpg") for n in range(50)]
    rows += [json_line(f"/bad/{n}.jpg", error=f"cause {n}") for n in range(150)]
    report = imported(library, lines(tmp_path / "r.jsonl", *rows), check=TagCheck.NONE)
    assert len(report.refused[0].examples) == EXAMPLES
    assert sum(each.count for each in report.failed) == 150 and len(report.failed) <= 101


def test_scores_are_stored_to_the_bit_as_the_window_stores_them(library, photo, tmp_path):
    pytest.importorskip("pyarrow")
    values = np.array([1 / 3, 2 / 3, 0.123456], np.float32)
    imported(library, parquet(tmp_path / "r.parquet", row(photo, values), by=BY))
    assert scores_in(library) == {"a.jpg": values.astype(np.float16).tolist()}
