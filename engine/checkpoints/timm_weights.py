"""Where the weights of any backbone of timm can be downloaded from."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import timm

from engine.api.errors import ModelError
from engine.api.network_names import TIMM_PREFIX
from engine.models.registry import backbone_spec
from engine.records.catalogue import CatalogueEntry, Terms
from engine.records.download_source import DownloadSource
from engine.records.models import DOWNLOAD_SUFFIXES

_HASH_IN_NAME = re.compile(r"-([0-9a-f]{8})\.pth$")


def timm_entry(name: str) -> CatalogueEntry:
    """The weights of a backbone of timm, as an entry of the catalogue.

    An address with a checksum in its name comes first, then the file on the Hugging Face hub,
    then any other address.

    Args:
        name: ``timm:NAME``.

    Raises:
        ModelError: timm has no such network, or no weights for it.
    """
    spec = backbone_spec(name)
    plain = name.removeprefix(TIMM_PREFIX)
    config = timm.get_pretrained_cfg(plain)
    url = config.url if config is not None and isinstance(config.url, str) else ""
    checksum = _HASH_IN_NAME.search(url)
    if config is not None and config.hf_hub_id and not checksum:
        file = config.hf_hub_filename or "model.safetensors"
        url = f"https://huggingface.co/{config.hf_hub_id}/resolve/main/{file}"
    suffix = PurePosixPath(urlsplit(url).path).suffix
    if config is None or not url.startswith("https:") or suffix not in DOWNLOAD_SUFFIXES:
        raise ModelError(f"timm knows no weights for {name!r} that can be downloaded.")
    terms = f"timm states for these weights: {config.license or 'no licence'}."
    return CatalogueEntry(
        id=f"timm-{plain}",
        title=f"{plain}, weights {config.tag or 'of timm'}",
        kind="backbone",
        dataset=config.tag or "",
        backbone=name,
        source=DownloadSource(
            url, f"timm-{plain}{suffix}", sha256=checksum[1] if checksum else None
        ),
        terms=Terms(terms, must_accept=False),
        input_size=spec.default_size,
    )
