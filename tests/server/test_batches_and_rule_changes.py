"""Lines of a batch wait while the rules change."""

from __future__ import annotations

import asyncio

import pytest

from mockllm.core.failure import Failure
from mockllm.engine import Engine
from mockllm.server import batches
from mockllm.server.app import App
from mockllm.server.server_limits import ServerLimits
from tests.language.virtual_server import VirtualServer
from tests.server.served_batches import ended
from tests.server.threaded_server import ThreadedServer


def test_line_waits_for_a_change_of_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = (VirtualServer(f"rules: [{{reply: {text}}}]").engine for text in ("old", "new"))
    app = App(old, limits=ServerLimits(grace=0.2, linger=0.2))
    new = Engine(new.catalog, old.state, old.settings)

    def end() -> None:
        done, app.rule_change_done = app.rule_change_done, None
        app.engine = new
        assert done is not None
        done.set()

    async def begin(raw: bytes, limits: ServerLimits) -> Failure | None:
        app.rule_change_done = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, end)
        return None

    monkeypatch.setattr(batches, "structure_failure_in_slices", begin)
    server = ThreadedServer(app)
    with server:
        _, (line,) = ended(server, "a" * 300_000)
    assert line["response"]["body"]["choices"][0]["message"]["content"] == "new"
