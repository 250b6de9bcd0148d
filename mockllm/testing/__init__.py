"""Tests of scenarios and tests with scenarios: the runner of examples, `MockLLM` for tests in Python, and the
pytest plugin.

Use `from mockllm.testing import MockLLM`. The modules are imported at their first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mockllm.server.engine_builder import Broken
    from mockllm.testing.loop_thread import virtual_time
    from mockllm.testing.mock_server import MockLLM, MockSession
    from mockllm.testing.received_request import Received
    from mockllm.testing.verdicts import Verdict, Verdicts

__all__ = ["Broken", "MockLLM", "MockSession", "Received", "Verdict", "Verdicts", "virtual_time"]


_MODULES: Final = {
    "Broken": "mockllm.server.engine_builder",
    "MockLLM": "mockllm.testing.mock_server",
    "MockSession": "mockllm.testing.mock_server",
    "Received": "mockllm.testing.received_request",
    "Verdict": "mockllm.testing.verdicts",
    "Verdicts": "mockllm.testing.verdicts",
    "virtual_time": "mockllm.testing.loop_thread",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
