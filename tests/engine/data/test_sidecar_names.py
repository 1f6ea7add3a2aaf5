from __future__ import annotations

from pathlib import Path

from engine.data.sidecar_names import sidecars_of


def test_a_name_that_leaves_no_room_for_an_ending_has_no_sidecar(tmp_path: Path) -> None:
    photo = tmp_path / f"{'x' * 250}.jpg"
    photo.touch()
    assert sidecars_of(photo) == ()
