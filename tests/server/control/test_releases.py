"""`POST /api/release/NAME`: its hint for another name, and the line on the terminal when a response waits."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mockllm.server.access_log import AccessLog
from tests.server.control.live_server import Steered, steered
from tests.waiting import PATIENCE, until

FILE = "rules: [{name: ask, reply: Approved., hold: approval}]"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Steered]:
    with steered(tmp_path, {"a.yaml": FILE}) as built:
        built.app.access_log = AccessLog(built.lines.append)
        yield built


def release(server: Steered, name: str) -> dict[str, Any]:
    found: dict[str, Any] = server.call("POST", f"/api/release/{name}").json
    return found


def test_release_of_another_name_has_a_hint(server: Steered) -> None:
    with ThreadPoolExecutor(1) as pool:
        requested = pool.submit(server.reply_text)
        until(lambda: server.app.held_responses.waiting(("", "approval")) == 1)
        hint = 'No response waits for this name; responses wait for "approval".'
        assert release(server, "aproval") == {"name": "aproval", "released": 0, "hint": hint}
        assert release(server, "other?session=x")["hint"] is None
        assert release(server, "approval") == {"name": "approval", "released": 1, "hint": None}
        assert requested.result(PATIENCE) == "Approved."


def test_line_on_the_terminal_says_how_to_release(server: Steered) -> None:
    waits = ' gpt-4o → a.yaml:ask waits for "approval": POST /api/release/approval, at most 60s'
    with ThreadPoolExecutor(1) as pool:
        requested = pool.submit(server.reply_text)
        until(lambda: any(line.endswith(waits) for line in server.lines))
        release(server, "approval")
        assert requested.result(PATIENCE) == "Approved."
    release(server, "approval")
    assert server.reply_text() == "Approved."
    until(lambda: len(server.lines) == 3)
    assert ["waits for" in line for line in server.lines] == [True, False, False]
