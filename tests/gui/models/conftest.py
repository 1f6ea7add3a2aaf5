from __future__ import annotations

import pytest

from tests.fakes import (
    FakeDownloader,
)


@pytest.fixture
def downloader() -> FakeDownloader:
    return FakeDownloader()
