"""What a new release of an SDK may change: it may add calls and models that this release of mockllm cannot know."""

from __future__ import annotations

from collections.abc import Collection
from importlib.metadata import version
from typing import Final

import pytest

LISTED_PROVIDERS: Final = {
    "anthropic": "2.14.0",
    "boto3": "1.44.8",
    "google-genai": "3.6.1",
    "openai": "3.57.0",
}
"""The latest release of each SDK whose calls and models are listed (`Provider.unserved`, `Provider.known_models`)."""


def require_known(package: str, unknown: Collection[object]) -> None:
    """Fail for a call or a model that no list names. Skip the test if only a later release of the SDK has it."""
    installed = version(package)
    if unknown and _numbers(installed) > _numbers(LISTED_PROVIDERS[package]):
        pytest.skip(
            f"{package} {installed} has what {LISTED_PROVIDERS[package]} did not have: {list(unknown)}"
        )
    assert not unknown, (
        f"{package} {installed} has what no route, no `unserved` and no known model names: {list(unknown)}"
    )


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split(".") if part.isdigit())
