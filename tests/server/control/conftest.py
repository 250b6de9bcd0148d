"""One live server for all tests of a file, as good as new for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.control.live_server import EXAMPLE, Steered, steered


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steered]:
    with steered(tmp_path_factory.mktemp("control"), {"a.yaml": EXAMPLE}) as built:
        yield built


@pytest.fixture
def server(running: Steered) -> Steered:
    """Nothing is left of the test before."""
    assert running.call("POST", "/api/reset").json == {"reset": ["state", "journal", "metrics", "overlay"]}
    return running
