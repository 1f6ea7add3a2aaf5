"""Targets that are given texts: filters, packets of XMP, tables of names, and saved scores."""

from __future__ import annotations

import io
import json
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from engine.api.errors import ConfigError, DataError, ModelError
from engine.data.datasets.category_mapping import read_mapping
from engine.data.datasets.score_files import read_scores
from engine.interchange.importing.mapping import read_mapping_table
from engine.interchange.importing.values import LabelImportError
from engine.library.filters.completion import complete
from engine.library.filters.evaluation import LibraryView
from engine.library.filters.parser import parse
from engine.library.filters.tokens import FIELDS
from engine.library.filters.tree import FilterError
from engine.library.opening import open_library
from engine.metadata.errors import XmpError
from engine.metadata.values import Changes
from engine.metadata.xmp import merge, parsed
from engine.records.names_file import is_wd_table, read_names
from tests.engine.library.parts import columns_of, filled
from tests.fuzz.target import Target, promise, variant

_FILTERS = (
    "dog AND NOT person",
    'score:dog>0.4 OR (name:"IMG_*" rating:3..5)',
    "date:2024-05..2025 -tag:=dog",
    'similar:"IMG_0001.jpg">0.6 tags:>=2',
    "source:mine is:reviewed color:red measured:* camera:canon folder:trip title:x",
    "traffic light or dog",
)


@cache
def _view() -> LibraryView:
    with (
        tempfile.TemporaryDirectory() as folder,
        open_library(Path(folder) / "library.db") as library,
    ):
        filled(library)
        return LibraryView(columns_of(library), np.full(3, 0.5, dtype=np.float32))


def _filter(data: bytes, _folder: Path) -> None:
    text = data.decode("utf-8", "surrogateescape")
    complete(text, len(text) // 2, ("dog", "traffic light"))
    view = _view()
    tree = parse(text)
    found = view.rows(tree)
    promise(found.shape == (4,) and found.dtype == bool, "a filter gives a yes or no per photo")


_PACKET = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
 xmlns:digiKam="http://www.digikam.org/ns/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
 xmp:Rating="4" xmp:Label="Red" tiff:Orientation="6">
<dc:subject><rdf:Bag><rdf:li>dog</rdf:li><rdf:li>black cat</rdf:li></rdf:Bag></dc:subject>
<lr:hierarchicalSubject><rdf:Bag><rdf:li>animal|dog</rdf:li></rdf:Bag></lr:hierarchicalSubject>
<digiKam:TagsList><rdf:Seq><rdf:li>animal/dog</rdf:li></rdf:Seq></digiKam:TagsList>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">A walk</rdf:li></rdf:Alt></dc:title>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
_CHANGES = Changes(
    add=(("animal", "owl"), ("dog",)), rating=2, color_label="Blue", title="Night", orientation=3
)


def _xmp(data: bytes, _folder: Path) -> None:
    before = parsed(data, "a.xmp")
    done = merge(data, _CHANGES, "a.xmp")
    promise(done.before == before, "a change knows what was there")
    try:
        said = parsed(done.data, "a.xmp")
        again = merge(done.data, _CHANGES, "a.xmp")
        nothing = merge(done.data, Changes(), "a.xmp")
    except XmpError as error:
        raise AssertionError(f"our own packet is refused: {error}") from error
    promise(again.data == done.data and not again.added, "a change made twice is one")
    promise(nothing.data == done.data, "no change leaves every byte")
    promise({"owl", "dog", *before.keywords} <= set(said.keywords), "keywords stay")
    promise((said.rating, said.title, said.orientation) == (2, "Night", 3), "what is set is read")


def _names(data: bytes, folder: Path) -> None:
    way, body = variant(data, 6)
    ending = ("txt", "csv", "tsv", "json", "csv", "json")[way]
    path = folder / f"names.{ending}"
    path.write_bytes(body)
    if way < 4:
        is_wd_table(path)
        read_names(path)
    elif way == 4:
        read_mapping_table(path)
        read_mapping(path)
    else:
        read_mapping(path)


def _scores(data: bytes, folder: Path) -> None:
    way, body = variant(data, 6)
    path = folder / f"scores.{('csv', 'tsv', 'jsonl', 'npz', 'npy', 'npz')[way]}"
    if way == 5:  # a sound archive of one part that is none
        with io.BytesIO() as whole:
            np.savez(whole, scores=np.zeros((1, 1)), ids=np.array(["a.jpg"]))
            path.write_bytes(whole.getvalue())
        _with_part(path, body)
    else:
        path.write_bytes(body)
    read_scores(path)


def _with_part(path: Path, body: bytes) -> None:
    import zipfile

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("scores.npy", body)


def _array(values: object, **more: object) -> bytes:
    with io.BytesIO() as file:
        if more:
            np.savez(file, scores=np.asarray(values), **more)  # type: ignore[arg-type]
        else:
            np.save(file, np.asarray(values))
        return file.getvalue()


def _score_seeds() -> list[bytes]:
    table = np.array([[0.5, 0.25]], dtype=np.float32)
    return [
        b"0image,cat,dog\na.jpg,0.5,0.1\nb.jpg,,1\n",
        b"0file,category,score,source,error\na.jpg,cat,0.5,model,\na.jpg,dog,0.2,model,\n",
        b"1image\tcat\tdog\na.jpg\t0.5\t-3e2\n",
        b'2{"image": "a.jpg", "scores": {"cat": 0.5, "dog": 1}}\n',
        b'2{"image": "a.jpg", "labels": [{"label": "cat", "score": 0.5}]}\n',
        b'2{"image": "a.jpg", "logits": [0.5, -1]}\n',
        b"3" + _array(table, ids=np.array(["a.jpg"]), categories=np.array(["cat", "dog"])),
        b"4" + _array(table),
        b"5" + _array(table),
    ]


TARGETS = {
    "filters": Target(
        _filter,
        (FilterError,),
        lambda: [text.encode() for text in _FILTERS],
        (*(f"{field}:" for field in FIELDS), "AND", "OR", "NOT", '"', "(", ")", ">=", "..", "none"),
    ),
    "xmp": Target(
        _xmp,
        (XmpError,),
        lambda: [
            _PACKET,
            b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>'
            + _PACKET
            + b'<?xpacket end="w"?>',
            _PACKET.decode().encode("utf-16"),
            _PACKET.replace(b' xmp:Rating="4"', b"").replace(
                b"<dc:subject>", b"<xmp:Rating>4.0</xmp:Rating><dc:subject>"
            ),
        ],
        (
            "<rdf:li>",
            "</rdf:li>",
            "<rdf:Bag>",
            "<rdf:Alt>",
            "rdf:resource=",
            'rdf:parseType="',
            "Resource",
            "xml:lang=",
            "x-default",
            "&#x0;",
            "<!DOCTYPE",
            "<![CDATA[",
            "xmp:Rating",
        ),
    ),
    "names": Target(
        _names,
        (ModelError, ConfigError, DataError, LabelImportError),
        lambda: [
            b"0cat\ngolden_retriever\n",
            b"1tag_id,name,category,count\n1,cat,0,5\n2,hat_(red),9,1\n",
            b"2id\tname\n0\tcat\n",
            b'3{"id2label": {"0": "cat", "1": "dog"}}',
            b'3[{"name": "cat"}, {"name": "dog"}]',
            b"4name,label\nHund,dog\nKatze,\n",
            b'5{"Hund": "dog"}',
        ],
        ("id2label", "label_names", "name", '"0":', "null", "1e999", "[[[["),
    ),
    "scores": Target(
        _scores,
        (DataError,),
        _score_seeds,
        (
            "scores",
            "logits",
            "probabilities",
            "ids",
            "categories",
            "image",
            "nan",
            "inf",
            "descr",
            "fortran_order",
            "shape",
            "'<f4'",
            "|O",
            json.dumps({"label": "cat", "score": 1}),
        ),
    ),
}
