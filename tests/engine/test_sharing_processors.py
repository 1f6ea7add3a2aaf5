import os
import subprocess
import sys

import pytest

from tests.paths import ROOT

ASK = "import os, main; main.main(['--help']); print(os.environ['OMP_WAIT_POLICY'])"


@pytest.mark.parametrize(("before", "after"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_sleep_while_they_wait_unless_the_person_says_otherwise(before, after):
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    if before is not None:
        environment["OMP_WAIT_POLICY"] = before
    answer = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.splitlines()[-1] == after
