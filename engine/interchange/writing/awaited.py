"""What came of writing photos that waited for it."""

from __future__ import annotations

from collections.abc import Iterable

from engine.interchange.writing import targets
from engine.interchange.writing.values import WriteOptions, WriteReport
from engine.library.store import Library


def settle_awaited(
    library: Library, image_ids: Iterable[int], options: WriteOptions, report: WriteReport
) -> dict[int, str]:
    """Note what a write made of photos that waited: those that were left alone wait on.

    Args:
        library: where they wait.
        image_ids: of the photos that were written; not of those decided on again since.
        options: of the write.
        report: what came of it.

    Returns:
        All that waits now, and why each could not be written yet.
    """
    ids = list(image_ids)
    reasons = dict(report.refused)
    files = library.files_of(ids)
    library.settle_awaited(
        {
            image_id: reasons.get(targets.file_for(files[image_id].path, options.target), "")
            if image_id in files
            else ""
            for image_id in ids
        }
    )
    return library.awaited_writes()
