import os
import subprocess
import sys

import pytest

from tests.paths import ROOT

NAMES = ("OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS")
ASK = f"import os, main; main.main(['--help']); print(*(os.environ[n] for n in {NAMES}))"


@pytest.mark.parametrize(("before", "after"), [((), "PASSIVE 1"), (("ACTIVE", "3"), "ACTIVE 3")])
def test_threads_sleep_while_they_wait_unless_the_person_says_otherwise(before, after):
    environment = {k: v for k, v in os.environ.items() if k not in NAMES}
    environment.update(zip(NAMES, before, strict=False))
    answer = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.splitlines()[-1] == after
