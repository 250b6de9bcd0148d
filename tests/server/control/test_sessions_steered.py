"""Sessions as the control API tells and ends them; an overlay ends with its session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mockllm.server.control import overlay_expiry
from tests.server.control.steered import EXAMPLE, Steered, steered
from tests.waiting import until


def told(server: Steered) -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in server.call("GET", "/api/sessions").json["sessions"]}


def test_they_are_listed_the_last_used_first(server: Steered) -> None:
    server.ask("hello", session="first")
    server.ask("hello", session="second")
    server.ask("hello", session="second")
    server.call("POST", "/api/rules?session=third", {"rules": [{"reply": "x"}, {"reply": "y"}]})
    found = told(server)
    assert list(found) == ["third", "second", "first"]
    assert [each["requests"] for each in found.values()] == [0, 2, 1]
    assert [each["overlay"] for each in found.values()] == [2, 0, 0]
    assert found["second"]["used"] >= found["first"]["used"] > 0
    assert server.call("GET", "/api/sessions").json["unused"] is None


def test_one_is_ended_with_its_overlay(server: Steered) -> None:
    server.call("POST", "/api/rules?session=mine", {"reply": "Mine."})
    server.call("POST", "/api/rules?session=other", {"reply": "Other."})
    assert server.said("hello", session="mine") == "Mine."
    assert server.call("DELETE", "/api/sessions/mine").status == 200
    assert server.said("hello", session="mine") == "Hello you."
    assert server.said("hello", session="other") == "Other."
    assert "Mine." not in server.call("GET", "/api/overlay.yaml?session=mine").text


def test_one_that_only_has_an_overlay_is_ended_too(server: Steered) -> None:
    server.call("POST", "/api/rules?session=mine", {"reply": "Mine."})
    assert server.call("DELETE", "/api/sessions/mine").status == 200
    assert told(server) == {}
    assert server.call("DELETE", "/api/sessions/mine").status == 404


def test_what_is_not_there_is_told_with_what_is(server: Steered) -> None:
    server.ask("hello", session="first")
    assert "the server has first" in server.call("DELETE", "/api/sessions/nope").json["detail"]


def test_to_forget_all_counts_ends_them_and_their_overlays(server: Steered) -> None:
    server.call("POST", "/api/rules?session=mine", {"reply": "Mine."})
    server.call("POST", "/api/rules", {"name": "all", "match": {"user": "hi"}, "reply": "All."})
    server.call("POST", "/api/reset", {"what": ["state"]})
    assert server.said("hello", session="mine") == "Hello you."
    assert server.said("hi") == "All."


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Steered]:
    """A server whose sessions end soon."""
    monkeypatch.setattr(overlay_expiry, "MAX_INTERVAL", 0.1)
    with steered(tmp_path, {"a.yaml": EXAMPLE}, unused=0.3) as made:
        yield made


def test_an_overlay_ends_when_nobody_has_used_its_session(short: Steered) -> None:
    short.call("POST", "/api/rules?session=mine", {"reply": "Mine."})
    assert short.said("hello", session="mine") == "Mine."
    assert short.call("GET", "/api/sessions").json["unused"] == 0.3
    until(lambda: "Mine." not in short.call("GET", "/api/overlay.yaml?session=mine").text)
    until(lambda: all(each["layer"] == "user" for each in short.call("GET", "/api/rules").json["rules"]))
    assert short.said("hello", session="mine") == "Hello you."


def test_a_session_that_begins_anew_may_have_an_overlay_again(short: Steered) -> None:
    for _ in range(2):
        short.call("POST", "/api/rules?session=mine", {"reply": "Mine."})
        assert short.said("hello", session="mine") == "Mine."
        until(lambda: not short.call("GET", "/api/sessions").json["sessions"])
        until(lambda: "Mine." not in short.call("GET", "/api/overlay.yaml?session=mine").text)
