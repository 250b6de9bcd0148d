"""One live server for each module of SDK tests, and clients that are closed after each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anthropic
import openai
import pytest

from tests.live import Live
from tests.live import live as serve


def pytest_configure(config: pytest.Config) -> None:
    """google-genai makes a subclass that aiohttp discourages."""
    config.addinivalue_line(
        "filterwarnings", "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"
    )


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with serve(Path(__file__).parent / "scenarios") as server:
        yield server


@pytest.fixture
def chat(live: Live) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{live.url}/v1", api_key="sk-test", max_retries=0) as client:
        yield client


@pytest.fixture
def claude(live: Live) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=live.url, api_key="sk-test", max_retries=0) as client:
        yield client
