"""Calls of the control API read large entries of the journal in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mockllm.server.control import costs, journal_queries, rule_preview, verification
from mockllm.server.control.handlers import mcp_servers, rules, verdicts
from mockllm.server.journal.entry import JournalEntry
from tests.server.control.live_server import EXAMPLE, Steered, steered

CALLS: dict[str, tuple[str, str, Any]] = {
    "verdicts": ("GET", "/api/verdicts", None),
    "expectations": ("POST", "/api/verify", {"expect": [{"match": {"user": "x"}, "exactly": 2}]}),
    "bound of the cost": ("POST", "/api/verify", {"max_cost": 1}),
    "costs": ("GET", "/api/costs", None),
    "metrics": ("GET", "/metrics", None),
    "list": ("GET", "/api/requests", None),
    "one request": ("GET", "/api/requests/1", None),
    "conversation": ("GET", "/api/requests/1/conversation", None),
    "suggested rule": ("GET", "/api/requests/1/rule", None),
    "preview": ("POST", "/api/rules/preview", "rules: [{name: new, match: {model: m}, reply: x}]"),
    "explanation": ("POST", "/api/explain", {"request_id": 1}),
    "repeated request": ("POST", "/api/requests/1/send", lambda port: {"server": f"http://127.0.0.1:{port}"}),
    "export": ("GET", "/api/requests/export?format=jsonl", None),
    "search": ("GET", "/api/requests?text=hello", None),
}


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Steered]:
    """A server whose entries are all large, and which fails where it reads one on the event loop."""
    monkeypatch.setattr(journal_queries, "LARGE", 0)
    with steered(tmp_path, {"a.yaml": EXAMPLE}) as server:
        server.ask("hello")
        server.ask("unknown words")
        server.ask("unknown words")
        decode_again, full_redactor = journal_queries.decode_again, vars(JournalEntry)["full_redactor"].fget

        def decode_apart(*args: Any) -> Any:
            assert_thread()
            return decode_again(*args)

        def redactor_apart(entry: JournalEntry) -> Any:
            assert_thread()
            return full_redactor(entry)

        monkeypatch.setattr(JournalEntry, "full_redactor", property(redactor_apart))
        for module in (costs, journal_queries, mcp_servers, rule_preview, rules, verdicts, verification):
            monkeypatch.setattr(module, "decode_again", decode_apart)
        yield server


def assert_thread() -> None:
    """Fail on the thread of the event loop."""
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()


@pytest.mark.parametrize(("method", "path", "body"), CALLS.values(), ids=CALLS)
def test_thread_reads_large_entries(large: Steered, method: str, path: str, body: Any) -> None:
    got = large.call(method, path, body(large.port) if callable(body) else body)
    assert got.status == 200, got.text
