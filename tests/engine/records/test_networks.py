import pytest

from engine.records.networks import about_bytes, operations

LITE2 = "timm:tf_efficientnet_lite2"


def test_what_is_joined_with_a_network_counts() -> None:
    assert operations(LITE2, 224) == pytest.approx(0.6)
    assert operations(f"{LITE2}+groups300", 224) == operations(LITE2, 224)
    assert operations(f"{LITE2}+groups300+nanodet", 448) == pytest.approx(4 * 1.2)
    assert about_bytes(f"{LITE2}+nanodet") == 40 * 10**6
    assert operations("timm:unknown+nanodet", 224) is None
    assert about_bytes(None) is None
