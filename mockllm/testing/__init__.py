"""Tests of scenarios and tests with scenarios: the runner of examples, `MockLLM` for tests in Python, and the
pytest plugin.

Use `from mockllm.testing import MockLLM`. The modules are imported at their first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockllm.server.engine_builder import Broken
    from mockllm.testing.mock_server import MockLLM, MockSession
    from mockllm.testing.received_request import Received
    from mockllm.testing.verdicts import Verdict, Verdicts

__all__ = ["Broken", "MockLLM", "MockSession", "Received", "Verdict", "Verdicts"]


def __getattr__(name: str) -> Any:
    if name == "Broken":
        from mockllm.server.engine_builder import Broken

        return Broken
    if name in ("MockLLM", "MockSession"):
        from mockllm.testing import mock_server

        return getattr(mock_server, name)
    if name == "Received":
        from mockllm.testing.received_request import Received

        return Received
    if name in ("Verdict", "Verdicts"):
        from mockllm.testing import verdicts

        return getattr(verdicts, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
