"""Where tests find data: their own, and what lies beside the project."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
#: What the official code gave; ``README.md`` there says for which inputs.
GOLDEN = ROOT / "tests" / "data" / "golden"


def needs(*parts: str) -> Path:
    """A path in the data beside the project; the test is skipped where it is missing."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs {'/'.join(parts)}, which lies beside the project, not in it")
    return path
