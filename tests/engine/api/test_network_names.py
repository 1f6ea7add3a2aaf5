import pytest

from engine.api.network_names import NetworkName, network_name, network_title


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("resnet101", NetworkName("resnet101")),
        ("timm:x.y+groups7", NetworkName("timm:x.y", 7)),
        ("timm:x+groups5000of30000", NetworkName("timm:x", 5000, 30000)),
        ("timm:x+nanodet", NetworkName("timm:x", has_nanodet=True)),
        ("resnet50+groups300+nanodet", NetworkName("resnet50", 300, has_nanodet=True)),
        ("vit_b16+groups2of21841+nanodet", NetworkName("vit_b16", 2, 21841, has_nanodet=True)),
    ],
)
def test_a_name_says_what_is_joined_and_can_be_written_again(text: str, parts: NetworkName) -> None:
    assert network_name(text) == parts
    assert str(parts) == text
    assert parts.is_composite == ("+" in text)


@pytest.mark.parametrize(
    "text",
    [
        "x+groups0",
        "x+groups5001",
        "x+groups007",
        "x+groups",
        "x+groups-3",
        "x+groups3of1000",
        "x+groups3of30001",
        "x+groups3of0",
        "x+groups٣",
        "x+nanodet+groups3",
        "x+groups3+groups3",
        "x+nanodet+nanodet",
        "x+nanodet\n",
        "x+ groups3",
        "x+anything",
        "+nanodet",
        "x+",
        "",
    ],
)
def test_nothing_else_is_taken_for_a_composite(text: str) -> None:
    assert network_name(text) == NetworkName(text)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("timm:tf_efficientnet_lite2+groups322+nanodet", "EfficientNet-Lite2 + groups + NanoDet"),
        ("timm:tf_efficientnet_lite0", "EfficientNet-Lite0"),
        ("resnet101+groups7of30", "ResNet-101 + groups"),
        ("vit_l16", "ViT-L/16"),
        ("timm:convnext_tiny.in12k+nanodet", "convnext_tiny.in12k + NanoDet"),
    ],
)
def test_people_read_a_plain_name(text: str, title: str) -> None:
    assert network_title(text) == title
