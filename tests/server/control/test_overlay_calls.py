"""Rules and modifiers that are added while the server runs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from mockllm.scenario.overlay import overlay_entries
from mockllm.server.overlay_store import free_names
from tests.server.control.live_server import EXAMPLE, Steered, steered


def test_overlay_rule_comes_first_and_is_listed(server: Steered) -> None:
    got = server.call("POST", "/api/rules", {"rules": [{"name": "mine", "reply": "Mine."}]})
    assert got.json["names"] == ["mine"]
    assert server.reply_text("hello") == "Mine."
    rules = server.call("GET", "/api/rules").json["rules"]
    assert (rules[0]["id"], rules[0]["where"], rules[0]["layer"]) == (
        "overlay:mine",
        "overlay.yaml:3",
        "overlay",
    )
    assert (rules[0]["tries"], rules[0]["answers"]) == (1, 1)
    assert server.call("POST", "/api/rules", {"name": "mine", "reply": "x"}).status == 409
    server.call("PUT", "/api/rules/mine", {"reply": "Mine, too."})
    assert server.reply_text("hello") == "Mine, too."
    assert server.call("DELETE", "/api/rules/mine").status == 200
    assert server.reply_text("hello") == "Hello you."


@pytest.mark.parametrize("text", ["a\u2028b", "a\u2029b", "a\x85b", "😀\u2028"])
def test_overlay_takes_line_ends_of_unicode(server: Steered, text: str) -> None:
    assert server.call("POST", "/api/rules", {"match": {"model": "gpt-4o"}, "reply": text}).status == 200
    assert server.reply_text() == text


def test_newest_overlay_rule_comes_first(server: Steered) -> None:
    server.call("POST", "/api/rules", {"reply": "old"})
    server.call("POST", "/api/rules", {"reply": "new"})
    assert server.reply_text() == "new"


def test_scenario_file_is_added_as_it_is(server: Steered) -> None:
    text = (
        "rules: [{name: f, match: {user: a}, reply: A}]\nexamples: [{request: {user: a}, expect: {text: A}}]"
    )
    assert "an overlay has no examples" in server.call("POST", "/api/rules", text).text
    assert server.call("POST", "/api/rules?file=true", text).json["names"] == ["f"]
    assert server.reply_text("a") == "A"
    for broken in ("use: [default]\nrules: [{reply: x}]", "rules: [{replly: x}]", "[]"):
        assert server.call("POST", "/api/rules?file=true", broken).status == 422


def test_names_of_a_file_that_are_taken_get_numbers(server: Steered) -> None:
    rules = {"rules": [{"name": "f", "reply": "A"}], "modifiers": [{"name": "m", "delay": "1ms"}]}
    assert server.call("POST", "/api/rules?file=true", rules).json["names"] == ["f", "m"]
    assert server.call("POST", "/api/rules?file=true", rules).json["names"] == ["f 2", "m 2"]
    assert server.call("POST", "/api/rules?file=true", rules).json["names"] == ["f 3", "m 3"]
    assert server.call("POST", "/api/rules", rules).status == 409


@pytest.mark.parametrize(
    "text", ["examples: [{request: {user: a}, expect: {text: A}}]", "validation: lenient", ""]
)
def test_file_without_rules_adds_nothing(server: Steered, text: str) -> None:
    assert server.call("POST", "/api/rules?file=true", text).json["names"] == []
    assert server.call("POST", "/api/rules", text).status == 422


def test_session_rule_is_limited_to_its_session(server: Steered) -> None:
    server.call("POST", "/api/rules?session=mine", {"reply": "Mine."})
    assert server.reply_text("hello", session="mine") == "Mine."
    assert server.reply_text("hello") == server.reply_text("hello", session="other") == "Hello you."
    (first, *_) = server.call("GET", "/api/rules").json["rules"]
    assert (first["layer"], first["session"]) == ("session", "mine")
    assert "Mine." in server.call("GET", "/api/overlay.yaml?session=mine").text
    server.call("DELETE", "/api/rules?session=mine")
    assert server.reply_text("hello", session="mine") == "Hello you."


def test_overlay_replaces_and_disables_rules(server: Steered) -> None:
    server.call("POST", "/api/rules", {"replaces": "a.yaml:hello", "reply": "Instead."})
    assert server.reply_text("hello") == "Instead."
    server.call("DELETE", "/api/rules")
    server.call(
        "POST", "/api/rules", {"rules": [{"replaces": "a.yaml:hello", "enabled": False, "reply": "x"}]}
    )
    assert server.ask("hello").status == 404


@pytest.mark.full
def test_overlay_survives_reload_and_parses_as_a_file(server: Steered, tmp_path: Path) -> None:
    server.call("POST", "/api/rules", {"match": {"user": "hi"}, "reply": "yes: 1_000\nno"})
    assert server.call("POST", "/api/reload").json["rules"] == 3
    assert server.reply_text("hi") == "yes: 1_000\nno"
    text = server.call("GET", "/api/overlay.yaml").text
    with steered(tmp_path, {"saved.yaml": text}) as other:
        assert other.reply_text("hi") == "yes: 1_000\nno"


@pytest.mark.full
@pytest.mark.parametrize("off", [False, True], ids=["replaced", "switched off"])
@pytest.mark.covering(count=1)
def test_replaced_rule_may_be_removed_and_added_again(tmp_path: Path, off: bool) -> None:
    """All else can be changed meanwhile."""
    rule = {
        "name": "mine",
        "replaces": "a.yaml:hello",
        "reply": "Instead.",
        **({"enabled": False} if off else {}),
    }
    with steered(tmp_path, {"a.yaml": EXAMPLE}) as server:
        assert server.call("POST", "/api/rules", rule).status == 200
        server.call("POST", "/api/rules?session=mine", {"match": {"user": "hi"}, "reply": "Mine."})
        (tmp_path / "a.yaml").write_text("rules: [{name: new, reply: New.}]")
        assert server.call("POST", "/api/reload").json["stale"] == []
        assert server.reply_text("hello") == ("New." if off else "Instead.")
        assert server.call("PATCH", "/api/config/global", {"delay": "1ms"}).status == 200
        assert (
            server.call("POST", "/api/rules", {"name": "more", "match": {"user": "x"}, "reply": "x"}).status
            == 200
        )
        other = {"name": "other", "replaces": "a.yaml:never", "reply": "x"}
        assert server.call("POST", "/api/rules", other).status == 422
        assert server.call("DELETE", "/api/sessions/mine").status == 200
        assert server.call("POST", "/api/config/reset").status == 200
        (tmp_path / "a.yaml").write_text(EXAMPLE)
        server.call("POST", "/api/reload")
        assert server.call("DELETE", "/api/rules/mine").status == 200
        assert server.reply_text("hello") == "Hello you."


def test_large_overlay_is_processed_in_a_thread(server: Steered, monkeypatch: pytest.MonkeyPatch) -> None:
    by: list[str] = []

    def noted(*arguments: Any) -> Any:
        by.append(threading.current_thread().name)
        return overlay_entries(*arguments)

    monkeypatch.setattr("mockllm.server.overlay_store.overlay_entries", noted)

    def dumped(data: Any) -> str:
        by.append(threading.current_thread().name)
        return ""

    monkeypatch.setattr("mockllm.server.control.handlers.rules.to_yaml", dumped)
    assert server.call("POST", "/api/rules", {"name": "a", "reply": "A"}).status == 200
    assert server.call("PUT", "/api/rules/a", {"reply": "B"}).status == 200
    assert server.call("GET", "/api/overlay").status == 200
    assert len(by) == 5
    assert {name.partition("_")[0] for name in by} <= {
        "asyncio",
        "uvloop",
    }  # the loop's own helpers, not the loop
    assert "reply: B" in server.call("GET", "/api/overlay.yaml").text


@pytest.mark.parametrize("path", ["/api/rules", "/api/rules/preview"])
def test_more_rules_than_an_overlay_has_are_not_read(
    server: Steered, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> None:
        raise AssertionError("the rules are read")

    monkeypatch.setattr("mockllm.server.overlay_store.overlay_entries", read)
    items = [{"chance": 1}] * 1_000
    got = server.call("POST", path, {"rules": [{"reply": "x"}] * 1_001, "modifiers": items})
    assert "2000 rules and modifiers" in got.text
    assert got.status == (200 if "preview" in path else 409)
    assert server.reply_text("hello") == "Hello you."


def test_preview_with_a_full_overlay_is_not_compiled(
    server: Steered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockllm.server.overlay_store.MAX_ITEMS", 2)
    server.call("POST", "/api/rules", {"rules": [{"name": "a", "reply": "A"}]})
    server.call("POST", "/api/rules?session=mine", {"name": "b", "reply": "B"})
    replaced = server.call("POST", "/api/rules/preview", {"name": "a", "reply": "x"})
    assert replaced.json["errors"] == []

    def written(*_: object) -> None:
        raise AssertionError("the overlay is written")

    monkeypatch.setattr("mockllm.server.overlay_store._written", written)
    added = server.call("POST", "/api/rules/preview", {"name": "c", "reply": "x"})
    assert "2 rules and modifiers" in added.text


def test_free_names_are_each_tried_once() -> None:
    class CountingNames(set[str]):
        tries = 0

        def __contains__(self, name: object) -> bool:
            self.tries += 1
            return super().__contains__(name)

    taken = CountingNames({"rule-2"})
    names = free_names("rules", taken)
    found = []
    for _ in range(100):
        found.append(next(names))
        taken.add(found[-1])
    assert found[:3] == ["rule-1", "rule-3", "rule-4"]
    assert taken.tries == 101
