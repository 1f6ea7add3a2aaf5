from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.api.values import PixelArray
from engine.data.decoding.decode import decode
from engine.data.decoding.tiles import Tile, TileDecoder
from engine.data.decoding.turning import after, between, orientation_beside, upright

PLAIN = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{rdf}">{inside}</rdf:RDF></x:xmpmeta>'
)
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
TIFF = "http://ns.adobe.com/tiff/1.0/"
PIXELS = np.zeros((16, 32, 3), np.uint8)
PIXELS[:8, :16] = (255, 0, 0)
PIXELS[:8, 16:] = (0, 255, 0)
PIXELS[8:, :16] = (0, 0, 255)
PIXELS[8:, 16:] = (240, 240, 240)
EVERY = range(1, 9)


def packet(inside: str) -> str:
    return PLAIN.format(rdf=RDF, inside=inside)


def attribute(value: object, prefix: str = "tiff") -> str:
    said = f'xmlns:{prefix}="{TIFF}" {prefix}:Orientation="{value}"'
    return packet(f'<rdf:Description rdf:about="" {said}/>')


def element(value: object) -> str:
    said = f'<t:Orientation xmlns:t="{TIFF}">{value}</t:Orientation>'
    return packet(f'<rdf:Description rdf:about="">{said}</rdf:Description>')


def photo(folder: Path, kind: str, stated: int) -> Path:
    path = folder / f"photo.{kind}"
    exif = Image.Exif()
    exif[0x0112] = stated
    options: dict[str, Any] = {"lossless": True} if kind == "webp" else {}
    options |= {"quality": 95, "subsampling": 0} if kind == "jpg" else {}
    if kind == "tif":
        Image.fromarray(PIXELS).save(path, tiffinfo={0x0112: stated})
    else:
        Image.fromarray(PIXELS).save(path, exif=exif, **options)
    return path


def is_near(found: PixelArray, wanted: PixelArray) -> bool:
    if found.shape != wanted.shape:
        return False
    return bool((np.abs(found.astype(int) - wanted).mean()) < 8)


@pytest.mark.parametrize("stated", EVERY)
@pytest.mark.parametrize("beside", EVERY)
def test_what_a_sidecar_says_takes_the_place_of_what_the_photo_says(
    tmp_path: Path, stated: int, beside: int
) -> None:
    path = photo(tmp_path, "jpg", stated)
    Path(f"{path}.xmp").write_text(attribute(beside))

    image = decode(path, None)

    assert is_near(image.pixels, upright(PIXELS, beside))
    assert image.pixels.shape[:2] == (image.height, image.width)


@pytest.mark.parametrize("kind", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize(("stated", "beside"), [(1, 6), (6, 8), (8, 3), (6, 6), (5, 2)])
def test_photos_of_every_kind_turn_alike_small_large_and_in_parts(
    tmp_path: Path, kind: str, stated: int, beside: int
) -> None:
    path = photo(tmp_path, kind, stated)
    (tmp_path / "photo.xmp").write_text(element(beside))
    wanted = upright(PIXELS, beside)

    assert is_near(decode(path, None).pixels, wanted)
    small = decode(path, 16)
    assert small.pixels.shape[:2] == (wanted.shape[0] // 2, wanted.shape[1] // 2)
    tile = TileDecoder().decode(path, Tile(8, 0, 16, 16))
    assert is_near(tile.pixels, wanted[:16, 8:16])


def test_a_part_that_is_kept_turns_with_the_sidecar(tmp_path: Path) -> None:
    path, tiles = photo(tmp_path, "jpg", 1), TileDecoder()
    tiles.decode(path, Tile(0, 0, 8, 8))
    Path(f"{path}.xmp").write_text(attribute(3))

    assert is_near(tiles.decode(path, Tile(0, 0, 8, 8)).pixels, upright(PIXELS, 3)[:8, :8])


SAID = {
    "attribute": (attribute(6), 6),
    "element": (element(" 8 "), 8),
    "other prefix": (attribute(3, "x1"), 3),
    "other namespace": (attribute(6).replace(TIFF, "http://example.org/"), None),
    "out of range": (attribute(9), None),
    "no number": (attribute("right"), None),
    "empty": ("", None),
    "cut": (attribute(6)[:-9], None),
    "entities": ('<!DOCTYPE a [<!ENTITY b "6">]>' + element("&b;"), None),
    "says nothing": (packet('<rdf:Description rdf:about=""/>'), None),
}


@pytest.mark.parametrize(("text", "wanted"), SAID.values(), ids=SAID)
def test_what_a_sidecar_says(tmp_path: Path, text: str, wanted: int | None) -> None:
    (tmp_path / "a.jpg.xmp").write_text(text)
    assert orientation_beside(tmp_path / "a.jpg") == wanted


def test_the_sidecar_of_the_whole_name_counts_first_and_that_of_a_raw_is_not_the_jpegs(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.xmp").write_text(attribute(6))
    assert orientation_beside(tmp_path / "a.jpg") == 6
    (tmp_path / "a.jpg.xmp").write_text(attribute(8))
    assert orientation_beside(tmp_path / "a.jpg") == 8
    (tmp_path / "a.jpg.xmp").write_text(SAID["says nothing"][0])
    assert orientation_beside(tmp_path / "a.jpg") == 6
    (tmp_path / "a.cr2").touch()
    assert orientation_beside(tmp_path / "a.jpg") is None
    assert orientation_beside(tmp_path / "a.cr2") == 6


def test_turns_add_up() -> None:
    assert [after(1, 6), after(6, 6), after(3, 6), after(8, 6)] == [6, 3, 8, 1]
    for first in EVERY:
        for second in EVERY:
            assert after(first, between(first, second)) == second
