from __future__ import annotations

import random

import pytest
from lxml import etree

from engine.metadata.errors import UnwritableTextError, XmpError
from engine.metadata.values import Changes, Entry
from engine.metadata.xmp import entries_of, merge, merged, parsed
from tests.engine.metadata.shapes import shape

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NAMESPACES = (
    f'xmlns:rdf="{RDF}" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/" '
    'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:ext="urn:other" '
    'xmlns:digiKam="http://www.digikam.org/ns/1.0/" '
    'xmlns:darktable="http://darktable.sf.net/" '
    'xmlns:MicrosoftPhoto="http://ns.microsoft.com/photo/1.0/"'
)
ALL = Changes(
    add=(("animal", "dog"), ("tree",)), rating=4, color_label="Red", title="At home", orientation=6
)


def packet(inside: str, attributes: str = "", *more: str) -> bytes:
    descriptions = "".join(f'<rdf:Description rdf:about="">{one}</rdf:Description>' for one in more)
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 99.0"><rdf:RDF {NAMESPACES}>\n'
        f'<rdf:Description rdf:about="" {attributes}>{inside}</rdf:Description>{descriptions}'
        '</rdf:RDF></x:xmpmeta>\n<!-- after > all -->   \n<?xpacket end="w"?>'
    ).encode()


def bag(prop: str, *texts: str, kind: str = "Bag") -> str:
    items = "".join(f"<rdf:li>{text}</rdf:li>" for text in texts)
    return f"<{prop}><rdf:{kind}>{items}</rdf:{kind}></{prop}>"


OTHERS = (
    "<!-- a remark --><?odd thing?>"
    '<darktable:history><rdf:Seq><rdf:li darktable:num="0" darktable:params="00ff"/>'
    '<rdf:li darktable:num="1"/></rdf:Seq></darktable:history>'
    '<ext:deep rdf:parseType="Resource"><ext:b>1</ext:b><ext:a><![CDATA[<x>]]></ext:a></ext:deep>'
    '<ext:alt><rdf:Alt><rdf:li xml:lang="de-DE">Hund &amp; Katze</rdf:li></rdf:Alt></ext:alt>'
)


def test_a_new_packet_says_what_was_asked() -> None:
    values = parsed(merged(None, ALL))
    assert values.keywords == ("dog", "tree")
    assert values.paths == (("animal", "dog"), ("tree",))
    assert Entry("hierarchical", "animal|dog") in values.entries
    assert Entry("tags_list", "animal/dog") in values.entries
    assert (values.rating, values.color_label, values.title, values.orientation) == (
        4,
        "Red",
        "At home",
        6,
    )


@pytest.mark.parametrize(
    "before",
    [
        None,
        packet(""),
        packet(OTHERS, 'xmp:Rating="2" ext:x="y"', bag("dc:subject", "cat"), "<ext:z>1</ext:z>"),
        packet("<xmp:Rating>1</xmp:Rating><dc:title>Old</dc:title>", 'dc:subject="cat"'),
        packet(bag("dc:subject", "dog", kind="Seq") + bag("lr:hierarchicalSubject", "a|b")),
        packet('<dc:title><rdf:Alt><rdf:li xml:lang="de">Alt</rdf:li></rdf:Alt></dc:title>'),
        packet(OTHERS).decode().encode("utf-16"),
        packet(OTHERS).decode().encode("utf-16-le"),
        packet(OTHERS).replace(b"\n", b"\r\n"),
        f"<rdf:RDF {NAMESPACES}/>".encode(),
        b'<?xml version="1.0" encoding="ISO-8859-1"?>'
        + f"<rdf:RDF {NAMESPACES}><!-- \xe4 --></rdf:RDF>".encode("latin-1"),
    ],
)
def test_the_same_changes_once_more_change_no_byte(before: bytes | None) -> None:
    once = merged(before, ALL)
    assert merged(once, ALL) == once
    assert set(parsed(once).keywords) >= {"dog", "tree"}
    assert parsed(once).title == "At home"
    assert merged(once, Changes()) == once


def test_without_a_change_the_very_bytes_come_back() -> None:
    odd = packet(OTHERS, "xmp:Rating = '3'  ")
    assert merged(odd, Changes(rating=3)) is odd


def random_tree(random_: random.Random, depth: int) -> str:
    name = f"ext:{random_.choice('abcdé')}"
    text = random_.choice(["", "x", "&lt;&#13;&quot;", "日本 🐕", "<!-- c -->", "<?p i?>"])
    kind = random_.randrange(4)
    if not depth or kind == 0:
        return f"<{name} ext:q='{random_.randrange(9)}'>{text}</{name}>"
    inside = "".join(random_tree(random_, depth - 1) for _ in range(random_.randrange(4)))
    if kind == 1:
        return f"<{name} rdf:parseType='Resource'>{inside}</{name}>"
    if kind == 2:
        items = f"<rdf:li>{text}</rdf:li>" * random_.randrange(3)
        return f"<{name}><rdf:Seq>{items}</rdf:Seq></{name}>"
    return f'<{name} xmlns:n{depth}="urn:{depth}" n{depth}:w="1">{inside}</{name}>'


@pytest.mark.parametrize("seed", range(40))
def test_whatever_others_wrote_is_kept_in_meaning_and_order(seed: int) -> None:
    random_ = random.Random(seed)
    parts = [
        "".join(random_tree(random_, 3) for _ in range(random_.randrange(6))) for _ in range(3)
    ]
    ours = [bag("dc:subject", "cat", "dog"), "<xmp:Rating>1</xmp:Rating>", ""]
    random_.shuffle(ours)
    before = packet(parts[0] + ours[0], "", parts[1] + ours[1] + parts[2], ours[2])
    after = merged(before, ALL)
    assert shape(etree.fromstring(after)) == shape(etree.fromstring(before))
    assert merged(after, ALL) == after
    assert after.endswith(b'<!-- after > all -->   \n<?xpacket end="w"?>')
    assert set(parsed(before).keywords) <= set(parsed(after).keywords)


def test_an_undo_removes_what_was_written_and_nothing_else() -> None:
    before = packet(bag("dc:subject", "dog", "cat"))
    written = merge(before, ALL).added
    assert Entry("subject", "dog") not in written
    after = merged(merged(before, ALL), Changes(remove=written))
    assert parsed(after).keywords == ("dog", "cat")
    assert parsed(after).entries == parsed(before).entries


def test_fields_are_cleared_in_every_form() -> None:
    before = packet("<xmp:Rating>1</xmp:Rating>", 'xmp:Label="Red"', "<dc:title>x</dc:title>")
    after = parsed(merged(before, Changes(clear=("rating", "color_label", "title"))))
    assert (after.rating, after.color_label, after.title) == (None, None, None)


def test_separators_within_a_name_come_back() -> None:
    path = ("a/b", "c|d")
    assert entries_of(path)[0] == Entry("subject", "c|d")
    values = parsed(merged(None, Changes(add=(path,))))
    assert values.paths == (path,)
    assert values.keywords == ("c|d",)


def test_keywords_of_microsoft_are_read() -> None:
    values = parsed(packet(bag("MicrosoftPhoto:LastKeywordXMP", "animal/dog")))
    assert values.paths == (("animal", "dog"),)


@pytest.mark.parametrize("text", ["4", "4.0", " 4 "])
def test_ratings_are_read_as_others_write_them(text: str) -> None:
    assert parsed(packet(f"<xmp:Rating>{text}</xmp:Rating>")).rating == 4


@pytest.mark.parametrize("text", ["6", "-2", "nan", "1e999", "x", "3.5"])
def test_ratings_that_mean_nothing_are_none(text: str) -> None:
    assert parsed(packet(f"<xmp:Rating>{text}</xmp:Rating>")).rating is None


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 100,
        b"not xml",
        packet("")[:-90],
        packet("").replace(b"</rdf:RDF>", b""),
        packet("<xmp:Rating>\0</xmp:Rating>"),
        packet("<xmp:Rating>\x01</xmp:Rating>"),
        packet("<dc:title>&undefined;</dc:title>"),
        BOMB.encode() + packet("<dc:title>&b;</dc:title>"),
        (BOMB + packet("").decode()).encode("utf-16"),
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + packet(""),
        b"<html/>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>',
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        + f"<rdf:RDF {NAMESPACES}/>".encode() * 2
        + b"</x:xmpmeta>",
        packet("") + packet(""),
        packet("").replace(b"XMP Core", b"\xff\xfe\xff"),
        b'<?xml version="1.0" encoding="UTF-7"?>' + packet(""),
        ("<a>" * 5000 + "</a>" * 5000).encode(),
        b"<" * 100_000,
    ],
)
def test_what_is_broken_or_hostile_is_refused_in_a_sentence(data: bytes) -> None:
    for act in (lambda: parsed(data, "a.xmp"), lambda: merged(data, ALL, "a.xmp")):
        with pytest.raises(XmpError, match=r"a\.xmp.*\.$"):
            act()


@pytest.mark.parametrize(
    "inside",
    [
        '<dc:subject rdf:parseType="Resource"><ext:new>1</ext:new></dc:subject>',
        "<xmp:Rating><ext:new>1</ext:new></xmp:Rating>",
        '<xmp:Rating rdf:resource="x"/>',
        "<dc:title><ext:new/></dc:title>",
    ],
)
def test_our_fields_in_a_form_that_cannot_be_kept_are_refused(inside: str) -> None:
    with pytest.raises(XmpError, match=r"a\.xmp"):
        merged(packet(inside), ALL, "a.xmp")


@pytest.mark.parametrize("name", ["", "  ", "a\0b", "\x1b[0m", "\ud800", "\ufffe", "x\uffffy"])
def test_names_that_xml_cannot_hold_are_refused(name: str) -> None:
    for changes in (Changes(add=((name,),)), Changes(title=name), Changes(add=(("a", name),))):
        with pytest.raises(UnwritableTextError):
            merged(None, changes)


def test_a_great_many_keywords_are_read_and_kept() -> None:
    before = packet(bag("dc:subject", *(f"word {i}" for i in range(20_000))))
    after = merged(before, Changes(add=(("dog",),)))
    assert len(parsed(after).keywords) == 20_001


def test_a_name_goes_below_what_others_have_it_under() -> None:
    """Else digiKam and Lightroom would show it twice, once at the top of their trees."""
    theirs = packet(bag("lr:hierarchicalSubject", "vehicle|car"))
    changes = Changes(add=(("car",), ("bird",)))
    once = merged(theirs, changes)
    found = parsed(once)
    assert set(found.entries) == {
        Entry("subject", "car"),
        Entry("subject", "bird"),
        Entry("hierarchical", "vehicle|car"),
        Entry("hierarchical", "bird"),
        Entry("tags_list", "vehicle/car"),
        Entry("tags_list", "bird"),
    }
    assert merged(once, changes) == once
