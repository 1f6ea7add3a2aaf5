"""From what a person calls a model to its file, and the models that can be downloaded."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from engine.api.categories import Categories, shipped_categories
from engine.api.errors import ConfigError, ModelError
from engine.records.download_source import DownloadSource, drive_url
from engine.records.models import ModelStore, check_model_name, default_store, shipped_models
from engine.resources import resource_path
from engine.texts import reason_text

DEFAULT_MODEL = "csra-everyday"
#: The same with possible details, which is made of it where it is wanted.
DETAILS_MODEL = f"{DEFAULT_MODEL}-details"

EntryKind = Literal["official", "backbone"]
#: Lists of categories that ship: a short name for each.
CATEGORY_LISTS = ("coco", "voc", "wider")
_MAX_NAMES_FILE = 10 * 2**20


@dataclass(frozen=True)
class Terms:
    """The terms of use of downloaded files.

    Attributes:
        text: for people.
        must_accept: the person has to agree before the download.
    """

    text: str
    must_accept: bool


@dataclass(frozen=True)
class CatalogueEntry:
    """One file that can be downloaded. What is ``None`` was not published.

    Attributes:
        id: its name here.
        title: for people.
        kind: a whole model of the authors (``official``), or a backbone without heads.
        dataset: what it was trained on.
        backbone: registry name.
        source: where it comes from.
        terms: of use.
        num_heads: how many heads it has.
        lam: λ.
        input_size: side of its square input in pixels.
        categories: one of ``CATEGORY_LISTS``.
        published_map: mean average precision in percent, as its authors state it.
        published_in: where they state it.
        note: what else to know.
    """

    id: str
    title: str
    kind: EntryKind
    dataset: str
    backbone: str
    source: DownloadSource
    terms: Terms
    num_heads: int | None = None
    lam: float | None = None
    input_size: int | None = None
    categories: str | None = None
    published_map: float | None = None
    published_in: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        check_model_name(self.id)
        if self.kind not in get_args(EntryKind):
            raise ConfigError(f"kind must be one of {get_args(EntryKind)}, not {self.kind!r}.")
        if self.categories is not None and self.categories not in CATEGORY_LISTS:
            raise ConfigError(f"categories must be one of {CATEGORY_LISTS}.")
        if (self.published_map is None) != (self.published_in is None):
            raise ConfigError("a published mAP needs its source, and a source its mAP.")
        if self.published_map is not None and not 0 < self.published_map <= 100:
            raise ConfigError("a published mAP is a percentage.")

    def origin(self) -> dict[str, str]:
        """What to record in a model that is made from this file."""
        origin = {"dataset": self.dataset, "downloaded from": self.source.url}
        if self.published_map is not None:
            origin["published mAP"] = f"{self.published_map} ({self.published_in})"
        return origin

    def downloaded_file(self, store: ModelStore) -> Path | None:
        """The file as it came, if it has been downloaded whole."""
        path = store.downloads / self.source.file_name
        return path if path.is_file() else None


def load_catalogue(path: Path | None = None) -> dict[str, CatalogueEntry]:
    """What can be downloaded: id → entry, in the order of the file.

    Args:
        path: a TOML file; ``None`` is the one that ships.

    Raises:
        ModelError: the file is missing or makes no sense.
    """
    path = resource_path("models", "catalogue.toml") if path is None else path
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        terms = {name: Terms(**_typed(t, _TERMS)) for name, t in table.get("terms", {}).items()}
        return _by_id(_entry(row, terms) for row in table["models"])
    except (OSError, KeyError, TypeError, ValueError, AttributeError, ModelError) as error:
        raise ModelError(
            f"The list of models to download cannot be used ({reason_text(error)}). "
            "Install the program again; the models that are already here keep working."
        ) from error


def find_model(source: Path | str | None, store: ModelStore | None = None) -> Path:
    """The file of a model.

    What ships and what is here is found first and without the catalogue, so that a damaged
    catalogue takes nothing away.

    Args:
        source: the name of a model that ships or is the user's own, the id of a downloaded one,
            or a file; ``None`` is the default model.
        store: the user's own models; ``None`` is the store in the user's data folder.

    Raises:
        ModelError: there is none, or it has to be downloaded first.
    """
    store = default_store() if store is None else store
    here = {**store.models(), **shipped_models()}
    name = DEFAULT_MODEL if source is None else str(source)
    if name in here:
        return here[name]
    path = Path(name).expanduser()
    if path.is_file():
        return path
    entry = load_catalogue().get(name)
    if entry is not None:
        raise _not_here(entry, store)
    raise ModelError(
        f"There is no model {name!r}: neither a file nor one that is here "
        f"({', '.join(here) or 'none'}). The list of models shows what can be "
        "downloaded."
    )


def find_start(source: str, store: ModelStore | None = None) -> Path:
    """The file that a training starts from: a model as for ``find_model``, or a backbone.

    Raises:
        ModelError: there is none, or it has to be downloaded first.
    """
    store = default_store() if store is None else store
    try:
        return find_model(source, store)
    except ModelError:
        entry = load_catalogue().get(source)
        file = entry.downloaded_file(store) if entry is not None else None
        if file is None or entry is None or entry.kind != "backbone":
            raise
        return file


def imagenet_entry(backbone: str) -> CatalogueEntry | None:
    """The file with the ImageNet weights of a backbone; ``None`` where none can be downloaded.

    Args:
        backbone: registry name.
    """
    kept = (entry for entry in load_catalogue().values() if entry.kind == "backbone")
    fitting = (e for e in kept if e.backbone == backbone and e.id.endswith("-imagenet"))
    return next(fitting, None)


def category_list(name: str) -> Categories:
    """A list of categories that ships.

    Args:
        name: one of ``CATEGORY_LISTS``.

    Raises:
        ModelError: there is no such list.
    """
    if name not in CATEGORY_LISTS:
        raise ModelError(f"There is no list of categories {name!r}.")
    return shipped_categories(name)


def read_categories(path: Path) -> Categories:
    """Categories from a text file, one name per line; empty lines do not count.

    Raises:
        ModelError: the file cannot be read.
        ConfigError: the names cannot be used.
    """
    try:
        if path.stat().st_size > _MAX_NAMES_FILE:
            raise ModelError(f"{path.name!r} is too large for a list of names, one per line.")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text in UTF-8"
        raise ModelError(f"The names in {path.name!r} cannot be read: {reason}.") from error
    return Categories(tuple(line.strip() for line in lines if line.strip()))


def _not_here(entry: CatalogueEntry, store: ModelStore) -> ModelError:
    is_downloaded = entry.downloaded_file(store) is not None
    download = f"csra models download {entry.id}"
    if entry.kind == "backbone":
        return ModelError(
            f"{entry.id!r} is a backbone without heads, which cannot tag photos. A training can "
            "start from it" + ("." if is_downloaded else ", once it is downloaded.")
        ).with_options(
            ("" if is_downloaded else f"{download}, then ") + f"csra train --init {entry.id}"
        )
    if is_downloaded:
        return ModelError(
            f"{entry.id!r} is downloaded but not imported yet. Import it first."
        ).with_options(download)
    return ModelError(f"{entry.id!r} is not on this computer yet. Download it first.").with_options(
        download
    )


_TERMS = {"text": str, "must_accept": bool}
_FIELDS: Mapping[str, type] = {
    **dict.fromkeys(
        ("id", "title", "kind", "dataset", "backbone", "categories", "published_in", "note"), str
    ),
    **dict.fromkeys(("google_drive", "url", "sha256", "terms"), str),
    **dict.fromkeys(("num_heads", "input_size", "size"), int),
    **dict.fromkeys(("lam", "published_map"), float),
}


def _typed(row: Mapping[str, Any], types: Mapping[str, type]) -> dict[str, Any]:
    """The row, when every key is known and has a value of its type."""
    for key, value in row.items():
        if key not in types:
            raise ValueError(f"{key!r} is not known")
        accepted = (int, float) if types[key] is float else types[key]
        if not isinstance(value, accepted) or (isinstance(value, bool) != (types[key] is bool)):
            raise TypeError(f"{key!r} must be of type {types[key].__name__}, not {value!r}")
    return dict(row)


def _entry(row: Mapping[str, Any], terms: Mapping[str, Terms]) -> CatalogueEntry:
    values = _typed(row, _FIELDS)
    if ("url" in values) == ("google_drive" in values):
        raise ValueError(f"{values['id']!r} needs one of url and google_drive")
    url = values["url"] if "url" in values else drive_url(values["google_drive"])
    source = DownloadSource(
        url=url,
        file_name=f"{values['id']}.pth",
        sha256=values.get("sha256"),
        size=values.get("size"),
    )
    plain = {f.name: values[f.name] for f in fields(CatalogueEntry) if f.name in values}
    return CatalogueEntry(**{**plain, "source": source, "terms": terms[values["terms"]]})


def _by_id(entries: Iterable[CatalogueEntry]) -> dict[str, CatalogueEntry]:
    table: dict[str, CatalogueEntry] = {}
    for entry in entries:
        if entry.id in table:
            raise ValueError(f"{entry.id!r} is listed twice")
        table[entry.id] = entry
    return table
