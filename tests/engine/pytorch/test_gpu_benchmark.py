"""The benchmark of graphics cards works on a processor too, tiny, and its parts fail alone."""

import json
import runpy
import sys

import pytest

from tests.paths import ROOT

GPU = runpy.run_path(str(ROOT / "benchmarks" / "gpu.py"))


def errors(value):
    """Every error in a document, however deep."""
    if not isinstance(value, dict):
        return []
    own = [value["error"]] if "error" in value else []
    return own + [found for part in value.values() for found in errors(part)]


@pytest.mark.parametrize("part", ["device", "tagging-r101", "training"])
def test_a_part_runs_on_a_processor(part):
    found = GPU["measure"](part, GPU["SMOKE"])
    json.dumps(found)
    rates = [value for name, value in found.items() if name.endswith("_per_second")]
    assert all(rate > 0 for rate in rates)
    assert bool(rates) == (part != "device")


@pytest.mark.slow
def test_all_parts_run_on_a_processor(tmp_path):
    file = tmp_path / "gpu.json"
    assert GPU["main"](["--smoke", "--output", str(file)]) == 0
    document = json.loads(file.read_text(encoding="utf-8"))
    assert not errors(document)
    assert document["parity"]["r101"]["program"]["logits"] < 1e-3


@pytest.mark.parametrize(
    ("program", "seconds", "said"),
    [
        ("import time; time.sleep(60)", 0.1, "took longer"),
        ("", 0, "no time was left"),
        ("raise SystemExit('out of memory')", 30, "ended with 1: out of memory"),
        ("print('no json')", 30, "JSONDecodeError"),
        ("", 30, "IndexError"),
        ("print('[1]')", 30, "said [1]"),
    ],
)
def test_a_part_that_fails_says_why(program, seconds, said):
    found = GPU["in_process"]([sys.executable, "-c", program], seconds)
    assert said in found["error"]


def test_what_a_part_says_last_is_its_result():
    program = "print('a word before'); print('{\"rate\": 2}')"
    assert GPU["in_process"]([sys.executable, "-c", program], 30) == {"rate": 2}
