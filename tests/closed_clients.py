"""Closes the clients of OpenAI's and Anthropic's SDK that a test leaves open. Else a garbage collection in another
test finds their sockets: pytest fails that test."""

from __future__ import annotations

from collections.abc import Iterator
from functools import wraps
from typing import Any
from weakref import ref

import anthropic
import openai
import pytest

_OPENED: list[ref[Any]] = []
"""The clients since the present test began. Those of modules and sessions are older."""


def _follow(client_class: Any) -> None:
    original = client_class.__init__

    @wraps(original)
    def followed(self: Any, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **named)
        if named.get("http_client") is None:  # LangChain hands one HTTP client to all clients of a process
            _OPENED.append(ref(self))

    client_class.__init__ = followed


for client_class in (openai.OpenAI, anthropic.Anthropic):  # Azure's is one of the first
    _follow(client_class)


@pytest.fixture(autouse=True)
def closed_clients() -> Iterator[None]:
    """Close what the test has opened."""
    _OPENED.clear()
    yield
    for reference in _OPENED:
        client = reference()
        if client is not None and not client.is_closed():
            client.close()
