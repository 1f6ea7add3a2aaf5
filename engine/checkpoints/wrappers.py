"""Finding a network's weights in what a training script saved, under the official names.

Scripts save weights inside tables of any name (``model_state_dict``, ``net``, ``ema``), with the
names of the modules around the network before those of its weights (``module.``, ``model.``,
``_orig_mod.``), and more than one network at a time. So the names are searched for the one weight
that every such network has; what stands before it, in tables or names, is what is around it.

mmpretrain's names were confirmed in its public source: ``CSRAClsHead`` has ``csra_heads.{h}.head``
(mmpretrain/models/heads/multi_label_csra_head.py), the same formula and temperatures as the
official code, and its ResNet has torchvision's names after ``backbone.``
(tools/model_converters/torchvision_to_mmcls.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from engine.api.errors import CheckpointError
from engine.checkpoints.csra_layout import official_head_names

#: Modules that pass on what they get: parallel training, torch.compile, checkpointing, sharding.
_AROUND = frozenset(
    {"module", "_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module", "_module"}
)
_TRUNK = re.compile(r"(?P<prefix>(?:.*\.)?)(?:layer1\.0\.conv1|blocks\.0\.attn\.qkv)\.weight")
#: A ResNet as ``nn.Sequential(*children)``, which has numbers for names.
_NUMBERED = re.compile(r"(?P<prefix>(?:.*\.)?)4\.0\.conv1\.weight")
_NUMBERS = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
_HEAD = re.compile(
    r"(?P<prefix>(?:.*\.)?)(?P<attribute>[A-Za-z_]\w*\.)(?P<kind>multi_head|csra_heads)"
    r"\.(?P<number>\d{1,3})\.head\.(?P<what>weight|bias)"
)
_AVERAGED = re.compile(r"ema|averag|swa|teacher|shadow", re.IGNORECASE)
_NOT_TAKEN = re.compile(r"optim|exp_avg|momentum|grad|frozen|pretrained", re.IGNORECASE)
_MEAN = re.compile(r"(?:.*\.)?(?:pixel_|image_|img_)?mean")
_STD = re.compile(r"(?:.*\.)?(?:pixel_|image_|img_)?std")
#: Beside a network in one table, and of no use to it: losses, measures, counters.
_BESIDE = re.compile(
    r"(^|[._])(criterion|loss\w*|metrics?|acc|accuracy|auroc|f1|m?ap|pos_weight|class_weights?|"
    r"n_averaged|num_updates|decay|steps?|global_step|epochs?|iters?|iterations?|initted|best|lr|seed)([._]|$)",
    re.IGNORECASE,
)
_OTHER_CLASSIFIER = re.compile(r"(^|\.)(fc|heads?|classifier)\.")
_COUNTED = frozenset({"num_batches_tracked", "total_ops", "total_params", "n_averaged"})
_MAX_DEPTH = 6
_MAX_SHOWN = 6
_MAX_LISTED = 8


@dataclass(frozen=True)
class Found:
    """The weights of one network.

    Attributes:
        tensors: official name → what the file has there, not yet checked.
        where: the tables and names around it, joined by dots; empty for none.
        notes: sentences for people about what was taken off, mapped or left out.
        pixels: the network's own mean and deviation of pixels; empty if it has none.
    """

    tensors: Mapping[Any, object]
    where: str
    notes: tuple[str, ...] = ()
    pixels: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class _Table:
    """One table that holds tensors: its place in the file, and its entries by shortened name."""

    place: str
    entries: dict[str, object]
    raw: dict[str, str]


@dataclass(frozen=True)
class _Network:
    """A network in a table: the names of its weights begin with the prefix."""

    table: _Table
    prefix: str
    heads: dict[str, object]
    head_names: frozenset[str]
    is_mmpretrain: bool
    is_numbered: bool

    @property
    def where(self) -> str:
        return _shortened(self.table.place + self.prefix).rstrip(".") or self.raw_where

    @property
    def raw_where(self) -> str:
        return self.table.place.rstrip(".")


def find_network(content: Mapping[Any, object], wanted: str | None = None) -> Found:
    """The weights of the network that a file holds.

    Of several, one that can tag comes before a backbone alone, then averaged weights (EMA) before
    those of the last step, as timm's own loader takes them; then the first.

    Args:
        content: of the file.
        wanted: where the network is, as ``Found.where`` says it, if the choice is not to be ours.

    Raises:
        CheckpointError: there are no weights, or none where they are wanted; the message lacks the
            file's name.
    """
    tables = list(_tables(content))
    if not tables:
        raise CheckpointError(_no_weights(content))
    networks = [network for table in tables for network in _networks(table, tables)]
    if not networks:
        if wanted is not None:
            raise CheckpointError(f"it has no network under {wanted[:80]!r}")
        return _unknown(tables)
    if wanted is not None:
        chosen = next((n for n in networks if wanted in (n.where, n.raw_where)), None)
        if chosen is None:
            places = ", ".join(repr(n.where) for n in networks[:_MAX_SHOWN])
            raise CheckpointError(f"it has no network under {wanted[:80]!r}, only under {places}")
    else:
        chosen = min(networks, key=lambda network: _rank(network, content))
    found = _official(chosen, networks)
    pixels = _own_pixels(found)
    return Found(found, chosen.where, _notes(chosen, networks, content), pixels)


def _rank(network: _Network, content: Mapping[Any, object]) -> tuple[bool, bool, bool]:
    """The smallest is taken: with heads, of no optimiser, averaged."""
    is_left = _NOT_TAKEN.search(network.where) is not None
    return not network.heads, is_left, not _is_averaged(network, content)


def _is_averaged(network: _Network, content: Mapping[Any, object]) -> bool:
    if "meta" in content and "ema_state_dict" in content:
        # mmengine swaps the two when it saves (mmengine/hooks/ema_hook.py).
        return network.table.place == "state_dict."
    return _AVERAGED.search(network.where) is not None


def _own_pixels(found: dict[str, object]) -> tuple[Tensor, ...]:
    """Take the network's mean and deviation of pixels out of its weights."""
    means = [key for key in found if _MEAN.fullmatch(key)]
    deviations = [key for key in found if _STD.fullmatch(key)]
    if len(means) != 1 or len(deviations) != 1:
        return ()
    values = (found.pop(means[0]), found.pop(deviations[0]))
    return tuple(value for value in values if isinstance(value, Tensor))


def _tables(content: Mapping[Any, object]) -> Iterator[_Table]:
    """Every table with tensors, outer ones first; what belongs to an optimiser is left out."""
    seen: set[int] = set()
    waiting: list[tuple[str, Mapping[Any, object], int]] = [("", content, 0)]
    while waiting:
        place, table, depth = waiting.pop(0)
        if id(table) in seen or "param_groups" in table:
            continue
        seen.add(id(table))
        tensors = {k: v for k, v in table.items() if isinstance(v, Tensor)}
        if tensors:
            yield _table(place, tensors)
        if depth < _MAX_DEPTH:
            inner = ((f"{place}{str(key)[:80]}.", value) for key, value in table.items())
            waiting += [(*found, depth + 1) for entry in inner for found in _inner(*entry)]


def _inner(place: str, value: object) -> Iterator[tuple[str, Mapping[Any, object]]]:
    """A table inside another, or the few in a list."""
    if isinstance(value, dict):
        yield place, value
    elif isinstance(value, list | tuple) and len(value) <= _MAX_LISTED:
        yield from ((f"{place}{n}.", v) for n, v in enumerate(value) if isinstance(v, dict))


def _table(place: str, tensors: Mapping[Any, object]) -> _Table:
    entries: dict[str, object] = {}
    raw: dict[str, str] = {}
    for key, value in tensors.items():
        if not isinstance(key, str):
            raise CheckpointError("its weights have no proper names")
        short = _shortened(key)
        if short in entries:
            raise CheckpointError(
                f"it holds {short[:80]!r} twice, as {raw[short][:80]!r} and as {key[:80]!r}"
            )
        entries[short], raw[short] = value, key
    return _Table(place, entries, raw)


def _shortened(name: str) -> str:
    """A name without the modules that only pass on what they get."""
    if not any(part in name for part in _AROUND):
        return name
    parts = name.split(".")
    return ".".join([part for part in parts[:-1] if part not in _AROUND] + parts[-1:])


def _networks(table: _Table, tables: list[_Table]) -> list[_Network]:
    prefixes = {m["prefix"]: False for key in table.entries if (m := _TRUNK.fullmatch(key))}
    for key in table.entries:
        match = _NUMBERED.fullmatch(key)
        if match and f"{match['prefix']}0.weight" in table.entries:
            prefixes.setdefault(match["prefix"], True)
    return [
        _network(table, prefix, is_numbered, alone=len(prefixes) == 1, tables=tables)
        for prefix, is_numbered in prefixes.items()
    ]


def _network(
    table: _Table, prefix: str, is_numbered: bool, *, alone: bool, tables: list[_Table]
) -> _Network:
    """The trunk at a prefix, with the heads nearest to it."""
    groups = _head_groups(table)
    fitting = [where for where in groups if prefix.startswith(where)]
    if not fitting and alone and len(groups) == 1:
        fitting = list(groups)
    if not fitting:
        parent = table.place[:-1].rpartition(".")[0]
        beside = [t for t in tables if t is not table and t.place[:-1].rpartition(".")[0] == parent]
        lone = [t for t in beside if not any(map(_TRUNK.fullmatch, t.entries))]
        # Scripts that save the parts of a network one by one have the heads beside the trunk.
        whole = [_head_groups(t, f"{t.place[:-1].rpartition('.')[2]}.") for t in lone]
        groups = next((found for found in whole if found), {})
        fitting = list(groups)[:1]
    heads = groups[max(fitting, key=len)] if fitting else {}
    return _Network(
        table,
        prefix,
        {official: value for _, official, value in heads.values()} if heads else {},
        frozenset(heads),
        any(kind == "csra_heads" for kind, _, _ in heads.values()),
        is_numbered,
    )


def _head_groups(table: _Table, before: str = "") -> dict[str, dict[str, tuple[str, str, object]]]:
    """What stands before heads → their names → which kind, the official name, and the value."""
    groups: dict[str, dict[str, tuple[str, str, object]]] = {}
    for key, value in table.entries.items():
        if match := _HEAD.fullmatch(before + key) or _HEAD.fullmatch(f"classifier.{key}"):
            number = int(match["number"])
            name = official_head_names(number + 1, released=False)[number]
            entry = (match["kind"], f"{name}.{match['what']}", value)
            groups.setdefault(match["prefix"], {})[key] = entry
    return groups


def _official(network: _Network, networks: list[_Network]) -> dict[str, object]:
    """The weights of a network by their official names, and those that nobody knows by theirs."""
    prefix = network.prefix
    others = [n.prefix for n in networks if n.table is network.table and n is not network]
    found: dict[str, object] = {}
    for key, value in network.table.entries.items():
        if key in network.head_names or key.rpartition(".")[2] in _COUNTED:
            continue
        if key.startswith(prefix) and not _is_other(key, prefix, others):
            name = key.removeprefix(prefix)
            if "." not in name and _BESIDE.search(name):
                continue
            if network.is_numbered:
                first, dot, rest = name.partition(".")
                name = _NUMBERS.get(first, first) + dot + rest
            found[name] = value
        elif not _is_beside(key, network, others):
            found[key] = value
    return found | network.heads


def _is_other(key: str, prefix: str, others: list[str]) -> bool:
    """Whether a weight is of a network that lies within this one's names."""
    return any(len(other) > len(prefix) and key.startswith(other) for other in others)


def _is_beside(key: str, network: _Network, others: list[str]) -> bool:
    """Whether a weight outside of the network does nothing for it."""
    # Its neighbours' heads are where their trunks are, or one name further out.
    around = {other.rstrip(".").rpartition(".")[0] + "." for other in others} | set(others)
    own = network.prefix.rstrip(".").rpartition(".")[0] + "."
    if any(key.startswith(other) for other in around - {own, ".", ""}):
        return True
    if _OTHER_CLASSIFIER.search(key) and not network.heads:
        return True
    return _BESIDE.search(key) is not None or (others != [] and _HEAD.fullmatch(key) is not None)


def _notes(
    chosen: _Network, networks: list[_Network], content: Mapping[Any, object]
) -> tuple[str, ...]:
    notes: list[str] = []
    around = chosen.table.place.rstrip(".")
    trunk = next(key for key in chosen.table.entries if key.startswith(chosen.prefix))
    full = chosen.table.raw[trunk]
    taken = full.removesuffix(trunk.removeprefix(chosen.prefix))
    if around:
        notes.append(f"Its weights were unwrapped from {around!r}.")
    if taken and taken != full:
        notes.append(f"The {taken!r} before the names of its weights was taken off.")
    if chosen.is_mmpretrain:
        notes.append("The heads have the names of mmpretrain.")
    others = [n.where or "(outermost)" for n in networks if n is not chosen and n.heads]
    others = [where for where in others if not _NOT_TAKEN.search(where)]
    if chosen.heads and others:
        which = "averaged ones (EMA)" if _is_averaged(chosen, content) else "first ones"
        notes.append(
            f"There are weights under {', '.join(map(repr, others[:_MAX_SHOWN]))} as well; the "
            f"{which} were taken. To take others: csra models import FILE --weights {others[0]}."
        )
    return tuple(notes)


def _unknown(tables: list[_Table]) -> Found:
    """Of weights that are no network of ours, the largest table."""
    largest = max(tables, key=lambda table: len(table.entries))
    where = largest.place.rstrip(".")
    return Found(largest.entries, where)


def _no_weights(content: Mapping[Any, object]) -> str:
    if not content:
        return "it holds no weights"
    optimisers = [k for k, v in content.items() if isinstance(v, dict) and "param_groups" in v]
    if "param_groups" in content or optimisers:
        return (
            "it holds the state of an optimizer only, no weights of a network. Save those as well: "
            "torch.save(model.state_dict(), …)"
        )
    names = ", ".join(repr(str(key)[:40]) for key in list(content)[:_MAX_SHOWN])
    return f"it holds no weights, only {names}"
