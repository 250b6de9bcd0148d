"""A server whose clients get verdicts, and the verdicts at the end.

Beside the tests of verdicts on SDKs, which are in two files by what the SDKs do: retry, and read a stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mockllm.server.server_limits import ServerLimits
from mockllm.testing import MockLLM
from tests.waiting import until

HI: list[Any] = [{"role": "user", "content": "hi"}]


@contextmanager
def judged() -> Iterator[MockLLM]:
    with MockLLM(
        limits=ServerLimits(journal=1, linger=0.1)
    ) as built:  # that a client has left is seen at once
        built.reply("Hello there, my friend.")
        yield built


def verdicts(server: MockLLM) -> list[str]:
    """When all responses have ended, as far as they will."""
    until(lambda: all(request.left for request in server.requests))
    return server.verdicts.names
