"""Sessions in the control API, which lists and ends them; an overlay ends with its session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from mockllm.scenario.catalog import Catalog
from mockllm.server.control import context
from mockllm.server.control.api import ControlApi
from mockllm.store.named_states import NamedState
from tests.server.control.live_server import EXAMPLE, Steered, steered
from tests.waiting import until


def stated(server: Steered) -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in server.call("GET", "/api/sessions").json["sessions"]}


def test_sessions_are_listed_last_used_first(server: Steered) -> None:
    server.ask("hello", session="first")
    server.ask("hello", session="second")
    server.ask("hello", session="second")
    server.call("POST", "/api/rules?session=third", {"rules": [{"reply": "x"}, {"reply": "y"}]})
    found = stated(server)
    assert list(found) == ["third", "second", "first"]
    assert [each["requests"] for each in found.values()] == [0, 2, 1]
    assert [each["overlay"] for each in found.values()] == [2, 0, 0]
    assert found["second"]["used"] >= found["first"]["used"] > 0
    assert server.call("GET", "/api/sessions").json["unused"] is None


def test_ended_session_loses_its_overlay(server: Steered) -> None:
    server.call("POST", "/api/rules?session=mine", {"reply": "Mine."})
    server.call("POST", "/api/rules?session=other", {"reply": "Other."})
    assert server.reply_text("hello", session="mine") == "Mine."
    assert server.call("DELETE", "/api/sessions/mine").status == 200
    assert server.reply_text("hello", session="mine") == "Hello you."
    assert server.reply_text("hello", session="other") == "Other."
    assert "Mine." not in server.call("GET", "/api/overlay.yaml?session=mine").text


def test_session_with_only_an_overlay_is_ended(server: Steered) -> None:
    server.call("POST", "/api/rules?session=mine", {"reply": "Mine."})
    assert server.call("DELETE", "/api/sessions/mine").status == 200
    assert stated(server) == {}
    assert server.call("DELETE", "/api/sessions/mine").status == 404


def test_unknown_session_error_lists_sessions(server: Steered) -> None:
    server.ask("hello", session="first")
    assert "the server has first" in server.call("DELETE", "/api/sessions/nope").json["detail"]


def test_reset_of_state_ends_sessions_and_overlays(server: Steered) -> None:
    server.call("POST", "/api/rules?session=mine", {"reply": "Mine."})
    server.call("POST", "/api/rules", {"name": "all", "match": {"user": "hi"}, "reply": "All."})
    server.call("POST", "/api/reset", {"what": ["state"]})
    assert server.reply_text("hello", session="mine") == "Hello you."
    assert server.reply_text("hi") == "All."


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Steered]:
    """A server whose sessions end soon."""
    monkeypatch.setattr(context, "MAX_INTERVAL", 0.1)
    with steered(tmp_path, {"a.yaml": EXAMPLE}, unused=0.3) as built:
        yield built


def test_expired_session_loses_its_overlay(short: Steered) -> None:
    short.call("POST", "/api/rules?session=mine", {"reply": "Mine."})
    assert short.reply_text("hello", session="mine") == "Mine."
    assert short.call("GET", "/api/sessions").json["unused"] == 0.3
    until(lambda: "Mine." not in short.call("GET", "/api/overlay.yaml?session=mine").text)
    until(lambda: all(each["layer"] == "user" for each in short.call("GET", "/api/rules").json["rules"]))
    assert short.reply_text("hello", session="mine") == "Hello you."


def test_restarted_session_may_have_an_overlay(short: Steered) -> None:
    for _ in range(2):
        short.call("POST", "/api/rules?session=mine", {"reply": "Mine."})
        assert short.reply_text("hello", session="mine") == "Mine."
        until(lambda: not short.call("GET", "/api/sessions").json["sessions"])
        until(lambda: "Mine." not in short.call("GET", "/api/overlay.yaml?session=mine").text)


def test_explanation_ends_no_session(tmp_path: Path) -> None:
    with steered(tmp_path, {"a.yaml": EXAMPLE}, unused=60) as server:
        server.ask("hello", session="other")
        server.ask("hello", session="mine")
        number = server.call("GET", "/api/requests").json["requests"][0]["id"]
        assert server.call("POST", "/api/explain", {"request_id": number}).status == 200
        assert set(stated(server)) == {"mine", "other"}


STEPS = {"name": "steps", "match": {"user": "step"}, "sequence": ["one", "two", "three"]}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/s/mine/v1/chat/completions"])
def test_explanation_uses_no_session(server: Steered, path: str) -> None:
    """It sees the counts of a session that exists, and does not begin one that has ended."""
    server.call("POST", "/api/rules", STEPS)
    headers = {} if path.startswith("/s/") else {"x-mockllm-session": "mine"}
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "step"}]}
    server.call("POST", path, body, headers)
    used = stated(server)["mine"]["used"]
    number = server.call("GET", "/api/requests").json["requests"][0]["id"]
    explained = server.call("POST", "/api/explain", {"request_id": number}).json
    assert explained["sent"]["text"] == "two"
    assert stated(server)["mine"]["used"] == used
    server.call("DELETE", "/api/sessions/mine")
    explained = server.call("POST", "/api/explain", {"request_id": number}).json
    assert explained["sent"]["text"] == "one"
    assert stated(server) == {}


def test_rule_that_is_added_again_begins_anew(server: Steered) -> None:
    """The equal rule of another session goes on."""
    for session in ("mine", "other"):
        server.call("POST", f"/api/rules?session={session}", STEPS)
        assert server.reply_text("step", session=session) == "one"
    server.call("DELETE", "/api/rules/steps?session=mine")
    server.call("POST", "/api/rules?session=mine", STEPS)
    assert server.reply_text("step", session="mine") == "one"
    assert server.reply_text("step", session="other") == "two"


class Others:
    """Processes whose store knows whether any session lives, or is away (None)."""

    store_problem = None
    count_changes = 0

    def __init__(self, lives: bool | None) -> None:
        self._lives = lives

    def require_sessions(self) -> None: ...

    async def has_session(self, id: str) -> bool | None:
        return self._lives

    async def collect(self) -> None: ...

    async def conclude(self, before: int) -> None: ...

    async def named_states(self, catalog: Catalog, sessions: Iterable[str]) -> Iterable[NamedState]:
        return ()


@pytest.mark.parametrize(("lives", "status"), [(True, 200), (None, 200), (False, 404)])
def test_session_of_a_store_that_is_away_ends(server: Steered, lives: bool | None, status: int) -> None:
    control = server.app.control
    assert isinstance(control, ControlApi)
    control.context.other_processes = Others(lives)
    with patch.object(control.context.engine.state, "end") as end:
        assert server.call("DELETE", "/api/sessions/one").status == status
    assert end.called is (status == 200)
