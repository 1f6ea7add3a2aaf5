"""An import of tags that were made elsewhere: rows are read, checked and stored in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.api.errors import DataError
from engine.interchange.importing.tag_checks import find_file
from engine.interchange.importing.tag_files import read_tag_file
from engine.interchange.importing.tag_values import (
    EXAMPLES,
    Counted,
    ReadRow,
    Refusal,
    TagProgress,
    TagReport,
    TagWish,
)
from engine.library.store import Library
from engine.library.values import ImageFile, LibraryModel
from engine.texts import display_name, display_text

_MOST_CAUSES = 100
_OTHER_CAUSES = "other reasons"
_LONGEST_CAUSE = 200
_MOST_PROBLEMS = 1000
# Of each kind of outcome, once all is done; a preview shows all examples.
_SHOWN = 3

Work = Generator[TagProgress, None, TagReport]


class KnownModels:
    """The models that rows may mean, by fingerprint or else by name."""

    def __init__(self, models: Iterable[LibraryModel]) -> None:
        self._by_id: dict[str, LibraryModel] = {}
        self._by_name: dict[str, LibraryModel | None] = {}
        for model in models:
            if self._by_id.setdefault(model.fingerprint, model) is not model:
                continue
            # Of two of one name nobody can say which is meant.
            is_first = model.name not in self._by_name
            self._by_name[model.name] = model if is_first else None

    def find(self, name: str, fingerprint: str) -> LibraryModel | None:
        """The model of this fingerprint; without one, the only one of this name."""
        return self._by_id.get(fingerprint) if fingerprint else self._by_name.get(name)


def preview_tags(
    library: Library, files: Sequence[Path], wish: TagWish, models: Sequence[LibraryModel] = ()
) -> Work:
    """What an import would do; nothing is changed. As ``import_tags``, with the same counts.

    A photo that is in the files more than once counts each time.
    """
    return _Import(library, wish, models, is_preview=True).run(files)


def import_tags(
    library: Library, files: Sequence[Path], wish: TagWish, models: Sequence[LibraryModel] = ()
) -> Work:
    """Take over scores that were made elsewhere; what people said stays.

    Each progress comes when whole batches are on the disk, so that closing this leaves those. What
    is stored is not stored twice: the same import again goes on where the first one ended.

    Args:
        library: takes them.
        files: Parquet, JSON lines or CSV, as ``csra tag`` writes them.
        wish: what is imported, and how it is checked.
        models: those that are known beside the library's own, to tell by name whose scores rows
            are, where files give no fingerprint.

    Returns:
        What came of it.

    Raises:
        LibraryError: it cannot be read or written; whole batches from before stay.
    """
    return _Import(library, wish, models, is_preview=False).run(files)


@dataclass
class _Tally:
    """Counts, and a few examples of each, however many rows there are."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, what: str, path: str) -> None:
        if what not in self.counts and len(self.counts) >= _MOST_CAUSES:
            what = _OTHER_CAUSES
        self.counts[what] += 1
        shown = self.examples.setdefault(what, [])
        if len(shown) < EXAMPLES:
            shown.append(path)

    def counted(self) -> tuple[Counted, ...]:
        return tuple(
            Counted(what, count, tuple(self.examples[what]))
            for what, count in self.counts.most_common()
        )


class _Import:
    """One run over all files."""

    def __init__(
        self,
        library: Library,
        wish: TagWish,
        models: Sequence[LibraryModel],
        *,
        is_preview: bool,
    ) -> None:
        self._library, self._wish, self._is_preview = library, wish, is_preview
        own = library.models()
        self._present = own[-1] if own else None
        self._known = KnownModels([*reversed(own), *models])
        self._in_library = {model.fingerprint for model in own}
        self._rows = self._imported = self._new = self._partial = self._kept = 0
        self._refused, self._failed = _Tally(), _Tally()
        self._models: Counter[str] = Counter()
        self._by_id: dict[str, LibraryModel] = {}
        self._examples: list[tuple[str, Path]] = []
        self._problems: list[tuple[Path, str]] = []
        self._backup: Path | None = None

    def run(self, files: Sequence[Path]) -> Work:
        sizes = [_size(file) for file in files]
        whole, before = sum(sizes), 0
        yield TagProgress(0, whole, 0, 0)
        for file, size in zip(files, sizes, strict=True):
            try:
                for piece in read_tag_file(file, self._known.find):
                    self._take(piece.rows)
                    done = before + round(size * piece.share)
                    yield TagProgress(done, whole, self._rows, self._imported)
            except DataError as error:
                if len(self._problems) < _MOST_PROBLEMS:
                    self._problems.append((file, str(error)))
            before += size
        self._settle_model()
        yield TagProgress(whole, whole, self._rows, self._imported)
        return self._report()

    def _take(self, rows: Sequence[ReadRow]) -> None:
        """Check some rows, and store what is right."""
        found: dict[str, dict[Path, tuple[ReadRow, ImageFile]]] = {}
        for row in rows:
            self._rows += 1
            place = self._checked(row)
            if isinstance(place, Refusal):
                self._refused.add(place, display_text(row.path))
            elif place is not None and row.model is not None:
                model = self._by_id.setdefault(row.model.fingerprint, row.model)
                of_model = found.setdefault(model.fingerprint, {})
                if place.path in of_model:
                    self._kept += 1
                of_model.setdefault(place.path, (row, place))
        for fingerprint, pairs in found.items():
            self._store(self._by_id[fingerprint], list(pairs.values()))

    def _checked(self, row: ReadRow) -> ImageFile | Refusal | None:
        """The file, or why it is not taken; ``None`` where nobody could tag it."""
        if row.error is not None:
            self._failed.add(display_text(row.error)[:_LONGEST_CAUSE], display_text(row.path))
            return None
        if row.fault is not None or row.scores is None:
            return row.fault or Refusal.BAD_ROW
        if row.is_partial and self._wish.complete_only:
            return Refusal.PARTIAL
        return find_file(row, self._wish.paths, self._wish.check)

    def _store(self, model: LibraryModel, pairs: Sequence[tuple[ReadRow, ImageFile]]) -> None:
        known = self._library.known_scores([file for _, file in pairs], model.fingerprint)
        wanted: list[tuple[ReadRow, ImageFile]] = []
        for (row, file), before in zip(pairs, known, strict=True):
            if self._wish.known_only and not before.is_known:
                self._refused.add(Refusal.NOT_IN_LIBRARY, display_text(row.path))
            elif before.is_scored and not self._wish.replace:
                self._kept += 1
            else:
                wanted.append((row, file))
                self._new += not before.is_known
                self._partial += row.is_partial
                if len(self._examples) < EXAMPLES:
                    self._examples.append((display_text(row.path), file.path))
        if not wanted:
            return
        if not self._is_preview:
            self._write(model, wanted)
        self._imported += len(wanted)
        self._models[model.fingerprint] += len(wanted)

    def _write(self, model: LibraryModel, wanted: Sequence[tuple[ReadRow, ImageFile]]) -> None:
        if self._backup is None:
            self._backup = self._library.back_up()
        if model.fingerprint not in self._in_library:
            self._library.add_model(model)
            self._in_library.add(model.fingerprint)
            if self._present is not None and not self._wish.use:
                # A model that comes last counts as the one in use where none was ever used.
                self._library.use_model(self._present)
        scores = np.stack([row.scores for row, _ in wanted if row.scores is not None])
        self._library.record_scores(model.fingerprint, [file for _, file in wanted], scores)

    def _settle_model(self) -> None:
        if self._wish.use and self._models and not self._is_preview:
            self._library.use_model(self._by_id[self._models.most_common(1)[0][0]])

    def _report(self) -> TagReport:
        return TagReport(
            rows=self._rows,
            imported=self._imported,
            new=self._new,
            partial=self._partial,
            kept=self._kept,
            refused=self._refused.counted(),
            failed=self._failed.counted(),
            models=tuple((self._by_id[name], n) for name, n in self._models.most_common()),
            present=self._present,
            examples=tuple(self._examples),
            problems=tuple(self._problems),
            backup=self._backup,
            is_preview=self._is_preview,
        )


def _size(file: Path) -> int:
    try:
        return max(file.stat().st_size, 1)
    except OSError:
        return 1


def summary_lines(report: TagReport, advice: Mapping[Refusal, str]) -> list[str]:
    """All of a report, safe to show: each thing on a line, of a preview with examples below.

    Args:
        report: of an import or a preview.
        advice: what helps against a refusal.
    """
    lines = [report.text()]
    lines += [text for text in (report.model_text(), report.partial_text()) if text]
    lines += [why for _, why in report.problems]
    for counted in report.refused:
        hint = next((text for reason, text in advice.items() if reason == counted.what), "")
        lines += _lines(counted, f" – {hint}" if hint else "", is_preview=report.is_preview)
    for counted in report.failed:
        lines += _lines(counted, " (where they were tagged)", is_preview=report.is_preview)
    if report.backup is not None:
        name = display_name(report.backup)
        lines.append(f"A copy of the library from before is {name} among its backups.")
    return [display_text(line) for line in lines]


def _lines(counted: Counted, more: str, *, is_preview: bool) -> list[str]:
    head = f"{counted.count:,} × {counted.what}{more}"
    shown = counted.examples if is_preview else counted.examples[:_SHOWN]
    dots = ["…"] if counted.count > len(shown) else []
    if is_preview:
        return [f"{head}:", *(f"    {each}" for each in (*shown, *dots))]
    return [f"{head}: {', '.join((*shown, *dots))}"]
