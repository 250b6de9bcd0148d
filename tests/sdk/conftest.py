"""One live server for each module of SDK tests, and clients that are closed after each test."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NoReturn

import anthropic
import certifi
import openai
import pytest

from tests.closed_clients import closed_clients
from tests.live import Live
from tests.live import live as serve

__all__ = ["closed_clients"]

FRAMEWORKS: Final = {
    "test_langchain.py": "langchain",
    "test_langchain_bedrock_ollama.py": "langchain_aws",
    "test_mistral_sdk.py": "mistralai",
    "test_openai_agents.py": "agents",
    "test_pydantic_ai.py": "pydantic_ai",
    "test_realtime_agents.py": "agents",
    "test_required_fields_of_vendors_sdk.py": "cohere",
}
"""Packages that only the extra `sdk` installs, by the file of the tests that import them."""


class MissingFramework(pytest.Module):
    """A file whose framework is not installed."""

    def collect(self) -> NoReturn:
        package = FRAMEWORKS[self.path.name]
        pytest.skip(f"{package} is in the extra sdk: pip install -e '.[dev,sdk]'", allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Skip a file, before it is imported, if its framework is missing."""
    package = FRAMEWORKS.get(module_path.name)
    if package is None or find_spec(package) is not None:
        return None
    missing: MissingFramework = MissingFramework.from_parent(parent, path=module_path)
    return missing


def pytest_configure(config: pytest.Config) -> None:
    """google-genai makes a subclass that aiohttp discourages."""
    config.addinivalue_line(
        "filterwarnings", "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"
    )


@pytest.fixture(scope="session")
def one_authority(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file with the first certificate of all that clients trust."""
    bundle, end = Path(certifi.where()).read_text(encoding="ascii"), "-----END CERTIFICATE-----\n"
    file = tmp_path_factory.mktemp("authority") / "one.pem"
    file.write_text(bundle[: bundle.index(end) + len(end)], encoding="ascii")
    return str(file)


@pytest.fixture(scope="module", autouse=True)
def _few_authorities(one_authority: str) -> Iterator[None]:
    """Each client reads all certificates that it would trust, one of Google's three times, which takes longer than
    most tests: of a server that speaks plain HTTP it needs none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", one_authority)
        yield


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
