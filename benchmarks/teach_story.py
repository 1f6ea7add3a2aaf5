"""A label taught with 15 photos and improved: what it does to 385 others, and how quickly.

Photos of one category of VOC2007 val play the person's part: the category is taught under another
name. Then the person accepts the label where it is right and rejects it where it is wrong, first on
a few photos, then on more. What the report says of photos that nobody has said anything of stands
beside the truth, and scores from kept features beside those of the whole network.

    python benchmarks/teach_story.py VOCDEVKIT [--category train] [--kept FOLDER]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.api.teaching import TeachReport
    from engine.service.local import LocalEngine

SHOWING, OTHERS, DRAWN = 15, 385, 100


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("devkit", type=Path)
    parser.add_argument("--category", default="train")
    parser.add_argument("--kept", type=Path, help="features of photos, to be used again")
    options = parser.parse_args()
    from engine.service.local import LocalEngine

    engine = LocalEngine()
    with tempfile.TemporaryDirectory() as folder:
        story = Story(engine, options.devkit, options.category, Path(folder), options.kept)
        story.tag()
        story.teach()
        story.compare_scores()
        for yes, no in ((3, 1), (12, 12)):
            story.improve(yes, no)
    engine.close()
    return 0


@dataclass
class Story:
    """What a person does, one after the other; each step prints what came of it."""

    engine: LocalEngine
    devkit: Path
    category: str
    folder: Path
    kept: Path | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        import numpy as np

        from engine.data.datasets.registry import load_dataset

        val = load_dataset("voc2007", self.devkit, "val")
        column = val.categories.index_of(self.category)
        order = np.random.default_rng(0).permutation(np.flatnonzero(~val.ignored[:, column]))
        showing = order[val.targets[order, column]][:SHOWING]
        rest = np.random.default_rng(1).permutation(np.setdiff1d(order, showing))[:OTHERS]
        self.rows = np.concatenate([showing, rest])
        self.paths = [val.paths[row] for row in self.rows]
        self.truth = val.targets[self.rows, column]
        self.features = self.kept or self.folder / "kept"
        drawn = np.random.default_rng(2).permutation(np.arange(SHOWING, len(self.rows)))[:DRAWN]
        self.drawn = {int(row) for row in drawn}
        self.learned = set(range(SHOWING)) | self.drawn

    def tag(self) -> None:
        """All photos with the model that ships, which keeps what it sees in them."""
        seconds, _ = self._predicted(None, keeps=True)
        self._say("tagging with the shipped model", seconds=seconds)

    def teach(self) -> None:
        """The label is new."""
        report = self._taught(dict.fromkeys(range(SHOWING), True))
        self._say_report("taught", report)

    def improve(self, yes: int, no: int) -> None:
        """By photos without any word so far: the surest right ones, and the surest wrong ones."""
        import numpy as np

        from engine.api.errors import DataError

        _, scores = self._predicted(self.model, keeps=True)
        quiet = [row for row in range(SHOWING, len(self.rows)) if row not in self.drawn]
        ranked = [row for row in np.argsort(-scores[:, -1]).tolist() if row in quiet]
        right = [row for row in ranked if self.truth[row]][:yes]
        wrong = [row for row in ranked if not self.truth[row]][:no]
        said = dict.fromkeys(right, True) | dict.fromkeys(wrong, False)
        try:
            report = self._taught(dict.fromkeys(range(SHOWING), True) | said)
        except DataError as error:
            self._say(f"improve by {len(right)} yes and {len(wrong)} no", refused=str(error))
            return
        self._say_report(f"improve by {len(right)} yes and {len(wrong)} no", report)

    def compare_scores(self) -> None:
        """Scores from kept features beside those of the whole network."""
        import numpy as np

        quick_s, quick = self._predicted(self.model, keeps=True)
        exact_s, exact = self._predicted(self.model, keeps=False)
        distance = np.abs(quick - exact)
        labels = ((quick >= 0.5) != (exact >= 0.5)).sum()
        self._say(
            "all photos with the taught model",
            seconds_from_kept_features=quick_s,
            seconds_of_the_network=exact_s,
            largest_difference_of_a_score=round(float(distance.max()), 5),
            root_mean_square=round(float(np.sqrt((distance**2).mean())), 6),
            labels_that_differ=f"{labels} of {quick.size}",
        )

    def _taught(self, said: dict[int, bool]) -> TeachReport:
        import numpy as np

        from engine.api.categories import Categories
        from engine.api.teaching import TeachReport, TeachRequest

        info = self.engine.open_model(self.model)
        is_new = self.model is None
        categories = Categories((*info.categories, "taught")) if is_new else info.categories
        rows = sorted({*said, *self.drawn})
        shape = (len(rows), len(categories))
        known, targets, drawn, learned = (np.zeros(shape, dtype=np.bool_) for _ in range(4))
        known[:, -1] = True
        targets[:, -1] = [said.get(row, False) for row in rows]
        drawn[:, -1] = [row not in said for row in rows]
        learned[:, -1] = [not is_new and row in self.learned for row in rows]
        others = tuple(self.paths[r] for r in range(len(self.rows)) if r not in rows)
        number = len(list(self.folder.glob("*.safetensors")))
        file = self.folder / f"{number}.safetensors"
        request = TeachRequest(
            source=self.model,
            name="taught",
            file=file,
            categories=categories,
            paths=tuple(self.paths[row] for row in rows),
            targets=targets,
            known=known,
            drawn=drawn,
            learned=learned,
            others=others,
            cache=self.features,
        )
        report = list(self.engine.teach(request))[-1]
        assert isinstance(report, TeachReport)
        self.model = str(file)
        return report

    def _predicted(self, model: str | None, *, keeps: bool) -> tuple[float, NDArray[np.float32]]:
        import numpy as np

        from engine.api.config import PredictConfig

        info = self.engine.open_model(model)
        config = PredictConfig(features=self.features if keeps else None)
        started = time.perf_counter()
        found = [p.scores for p in self.engine.predict(info.id, self.paths, config)]
        return round(time.perf_counter() - started, 1), np.stack(found)

    def _say_report(self, name: str, report: TeachReport) -> None:
        import numpy as np

        [category] = report.categories
        _, scores = self._predicted(self.model, keeps=True)
        has = scores[:, -1] >= 0.5
        has[sorted(self.learned)] = False
        gained = category.spread.gained
        truth = {path: bool(self.truth[row]) for row, path in enumerate(self.paths)}
        self._say(
            name,
            seconds=round(report.seconds, 1),
            said_yes=category.positives,
            said_no=category.negatives,
            taken_as_without=category.drawn,
            found=_hits(category.after and category.after.found, category.judged_positives),
            wrong=_hits(category.after and category.after.wrong, category.judged_negatives),
            comparison=str(category.comparison),
            new_on_others=f"{len(gained)} of {category.spread.looked_at}",
            of_these_right=sum(truth[path] for path in gained),
            on_all_others=f"{int(has.sum())} photos, {int((has & self.truth).sum())} of them right",
            others_that_show_it=int(np.delete(self.truth, sorted(self.learned)).sum()),
        )

    def _say(self, name: str, **facts: object) -> None:
        print(json.dumps({name: facts}, indent=2), flush=True)


def _hits(count: int | None, total: int) -> str:
    return "not told" if count is None else f"{count} of {total}"


if __name__ == "__main__":
    sys.exit(main())
