"""Where the servers are that the tests' own process has started, for the checks that run in an environment of
older SDKs. Nothing of mockllm is imported here: it is not installed there.
"""

from __future__ import annotations

import os

import pytest

from tests.sdk.loopback import loopback_only

__all__ = ["loopback_only"]


@pytest.fixture(scope="session")
def url() -> str:
    """The server with the tests' own rules."""
    return os.environ["SCRIPTED_URL"]


@pytest.fixture(scope="session")
def drills() -> str:
    """The server with the shipped pack `gateway-drill`."""
    return os.environ["DRILLS_URL"]


@pytest.fixture(scope="session")
def default() -> str:
    """The server with the shipped pack `default`."""
    return os.environ["DEFAULT_URL"]
