"""The servers and the response of the tests of agent frameworks. A test module imports and exports the fixtures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from pydantic import BaseModel

from tests.live import Live
from tests.sdk.frameworks.serving import scripted, shipped


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    degrees: int


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Live, Live]]:
    """The rules of the tests, and the pack `default`."""
    with ExitStack() as stack:
        yield stack.enter_context(scripted()), stack.enter_context(shipped())


@pytest.fixture
def url(servers: tuple[Live, Live]) -> str:
    return servers[0].url


@pytest.fixture
def default(servers: tuple[Live, Live]) -> str:
    return servers[1].url
