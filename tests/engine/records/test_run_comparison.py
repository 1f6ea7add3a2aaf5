import json
from dataclasses import replace

import numpy as np
import pytest

from engine import cli
from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.metrics.bootstrap import BootstrapSettings
from engine.metrics.checks import finished
from engine.metrics.ranking import mean_average_precision
from engine.records.evaluations import EvaluationRun, EvaluationStore
from engine.records.run_comparison import compare_runs, comparison_steps
from engine.report.verdict import categories_text, seeds_text, sides, verdict

QUICK = BootstrapSettings(100)
NAMES = ("cat", "dog", "bird")


def run_of(name, gap, seed=0, num_images=300):
    """A run whose model is the better the larger the gap; errors are on the same images."""
    rng = np.random.default_rng(11)
    targets = rng.random((num_images, 3)) < 0.3
    hard = rng.normal(size=targets.shape)
    own = np.random.default_rng([seed, len(name)]).normal(size=targets.shape) * 0.4
    logits = (hard + own + gap * targets - 1).astype(np.float32)
    return EvaluationRun(
        model={"name": name, "id": f"{name}{seed}"},
        dataset={"name": "birds test", "kind": "folder", "split": "test"},
        settings={},
        date=f"2026-01-01T00:00:{seed:02}+00:00",
        categories=Categories(NAMES),
        ids=tuple(f"{i}.jpg" for i in range(num_images)),
        logits=logits,
        targets=targets,
        ignored=np.zeros_like(targets),
    )


def some_of(run, rows, columns=(0, 1, 2)):
    grid = np.ix_(rows, columns)
    return replace(
        run,
        ids=tuple(run.ids[row] for row in rows),
        categories=Categories(tuple(NAMES[c] for c in columns)),
        logits=run.logits[grid],
        targets=run.targets[grid],
        ignored=run.ignored[grid],
    )


def test_the_better_model_is_named_with_the_size_of_the_difference():
    weak, strong = run_of("weak", 0.5), run_of("strong", 2.0)
    found = compare_runs(weak, strong, QUICK)
    by = 100 * (
        mean_average_precision(strong.logits, strong.targets)
        - mean_average_precision(weak.logits, weak.targets)
    )
    assert verdict(found).startswith(f"strong is better than weak by {by:.1f} mAP (95% interval ")
    assert verdict(found).endswith("on the same 300 photos.")
    back = compare_runs(strong, weak, QUICK)
    assert verdict(back).startswith(f"strong is better than weak by {by:.1f} mAP")
    assert "cat" in categories_text(found) and "Holm" in categories_text(found)


def test_where_chance_may_explain_it_no_model_is_called_better():
    found = compare_runs(run_of("a", 1.0, 2), run_of("b", 1.0, 3), QUICK)
    assert verdict(found).startswith("No difference can be told: ")
    assert "No single category differs" in categories_text(found)


def test_only_what_both_runs_have_is_compared_and_the_rest_is_named():
    whole = run_of("a", 1.0)
    part = some_of(run_of("b", 1.5), range(50, 300), (2, 0))
    found = compare_runs(whole, part, QUICK)
    assert found.num_images == 250 and tuple(found.categories) == ("bird", "cat")
    same = compare_runs(some_of(whole, range(50, 300), (2, 0)), part, QUICK)
    assert found.difference.mean == same.difference.mean
    assert found.notes[0].startswith("The runs have 300 and 250 images; only the 250 that all")
    assert "Left out are 1: dog." in found.notes[1]
    assert same.notes == ()


def test_categories_that_mean_the_same_are_one_whatever_they_are_called():
    run, other = run_of("a", 1.0), run_of("b", 1.5)
    before = replace(run, categories=Categories(("tvmonitor", "pottedplant", "dog")))
    after = replace(other, categories=Categories(("TV", "potted plant", "bird")))
    found = compare_runs(before, after, QUICK)
    assert tuple(found.categories) == ("TV", "potted plant")
    # Two that would become one stay two.
    both = replace(run, categories=Categories(("tvmonitor", "television", "dog")))
    found = compare_runs(both, replace(other, categories=Categories(("TV", "x", "dog"))), QUICK)
    assert tuple(found.categories) == ("dog",)


def test_other_images_of_the_same_names_are_refused_and_a_few_other_labels_are_told():
    run = run_of("a", 1.0)
    with pytest.raises(DataError, match="other images of the same names"):
        compare_runs(replace(run, targets=run.targets[::-1].copy()), run, QUICK)
    targets = run.targets.copy()
    targets[:2, 0] ^= True
    found = compare_runs(replace(run, targets=targets), run, QUICK)
    assert found.notes == (
        "2 true labels of 2 images differ between the runs; those of the last run count.",
    )


def test_what_either_run_ignores_does_not_count():
    run, other = run_of("a", 1.0), run_of("b", 1.5)
    ignored = np.zeros_like(run.ignored)
    ignored[:40] = True
    one = compare_runs(replace(run, ignored=ignored), other, QUICK)
    two = compare_runs(run, replace(other, ignored=ignored), QUICK)
    assert one.difference.mean == two.difference.mean
    assert one.difference.mean != compare_runs(run, other, QUICK).difference.mean


def test_several_seeds_give_a_mean_a_deviation_and_both_uncertainties():
    before = [run_of("weak", 0.5, seed) for seed in range(3)]
    after = [run_of("strong", 2.0, seed) for seed in range(3)]
    found = finished(comparison_steps(before, after, QUICK))
    maps = [mean_average_precision(run.logits, run.targets) for run in before]
    assert found.spreads[0].mean == pytest.approx(np.mean(maps))
    assert found.spreads[0].deviation == pytest.approx(np.std(maps, ddof=1))
    text = seeds_text(found)
    assert f"{100 * np.mean(maps):.1f} ± " in text and "(sd of 3 runs)" in text
    assert "Welch" in text and found.over_seeds.low > 0
    assert found.better == found.worse == ()
    alone = finished(comparison_steps(before, after[:1], QUICK))
    assert "takes two runs or more" in seeds_text(alone) and alone.over_seeds is None
    assert seeds_text(compare_runs(before[0], after[0], QUICK)) == ""


def test_one_run_is_not_two_seeds():
    before, after = run_of("a", 0.5), run_of("b", 2.0)
    with pytest.raises(DataError, match=f"Run {before.id} is named twice"):
        finished(comparison_steps([before, before], [after], QUICK))
    copy = replace(after, model={"name": "c"}, date="2026-01-02T00:00:00+00:00")
    with pytest.raises(DataError, match=f"{after.id} and {copy.id} have the same scores"):
        finished(comparison_steps([before], [after, copy], QUICK))
    assert compare_runs(before, before, QUICK).difference.mean.value == 0


def test_several_models_of_a_side_are_the_first_and_how_many_more():
    before = [run_of(name, 0.5, seed) for seed, name in enumerate(("A0", "A1", "A2"))]
    after = [run_of(name, 2.0, seed) for seed, name in enumerate(("B0", "B1", "B2"))]
    found = finished(comparison_steps(before, after, QUICK))
    assert sides(found) == ("A0 and 2 more", "B0 and 2 more")
    assert verdict(found).startswith("B0 and 2 more are better than A0 and 2 more by ")
    found = finished(comparison_steps(after[:1], before[:1], QUICK))
    assert sides(found) == ("B0", "A0") and verdict(found).startswith("B0 is better than A0 by")
    alike = [replace(run, model={"name": "B0"}) for run in before]
    found = finished(comparison_steps(alike, after[:1], QUICK))
    assert verdict(found).startswith("the run now is better than the runs before by ")


def test_the_command_tells_it_in_words_and_as_json(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path))
    names = [
        EvaluationStore().save(run).name
        for run in (run_of("weak", 0.5), run_of("strong", 2.0), run_of("strong", 2.0, 1))
    ]
    call = ["runs", "compare", names[0], ",".join(names[1:]), "--resamples", "60", "--seed", "3"]
    assert cli.run(call) == 0
    out = capsys.readouterr().out
    assert "strong is better than weak by" in out and "not with another training run" in out
    assert "* cat (" in out and "sd of 2 runs" in out and "better:" not in out
    assert cli.run([*call, "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["difference"]["seed"] == 3 and numbers["difference"]["resamples"] == 60
    assert numbers["runs"][1]["runs"] == 2 and "strong is better" in numbers["verdict"]
    assert cli.run([*call[:4], "--resamples", "1"]) == 1
