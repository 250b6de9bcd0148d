"""The two servers that every framework is put to: rules of the tests' own, and the shipped pack `default`
that calls a tool whenever one is offered.

Apart from the official SDKs' conftest: here nothing is imported but the server, and no client is made.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from tests.live import Live, live

RULES = Path(__file__).parent / "rules.yaml"
AT_ONCE = {
    "TOOL_CALL_PROBABILITY": "1",
    "STREAM_INITIAL_DELAY_MS": "0",
    "STREAM_DELAY_MS": "0",
    "STREAM_JITTER_MS": "0",
}


def scripted() -> AbstractContextManager[Live]:
    return live(RULES)


def shipped(pack: str = "default") -> AbstractContextManager[Live]:
    return live(packs=[pack], environment=AT_ONCE)
