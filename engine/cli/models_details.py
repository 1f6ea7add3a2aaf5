"""``models details``: a model that also says which breed, species or make it may be."""

from __future__ import annotations

import argparse

from engine.cli.common import EXIT_DONE, say
from engine.inference.details import keep_details, write_details
from engine.inference.weights import read_weights
from engine.records.catalogue import DEFAULT_MODEL, find_model
from engine.records.models import default_store


def details(options: argparse.Namespace) -> int:
    """Make it, where the list of models finds it."""
    store = default_store()
    if options.model == DEFAULT_MODEL and options.name is None:
        path = keep_details(store)
    else:
        source = find_model(options.model, store)
        path = store.new_path(options.name or store.free_name(f"{source.stem}-details"))
        write_details(source, path)
    config = read_weights(path).record.config
    say(
        f"{path.stem!r} is ready: {len(config.categories)} categories, "
        f"{len(config.parents.details)} of them possible details. Use it with --model "
        f"{path.stem!r}."
    )
    return EXIT_DONE
