"""Downloads go to the test's own server."""

import pytest

from tests.engine.downloads.download_server import forget_proxies


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_proxies(monkeypatch)
