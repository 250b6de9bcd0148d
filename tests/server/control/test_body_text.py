"""Bodies as programs write them: JSON in which YAML would stumble."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockllm.core.json.codec import loads
from mockllm.server.control.body_text import body_source, json_as_yaml, overlay_source
from tests.server.control.live_server import Steered

TEXTS = {
    "beyond the basic plane": "\U0001f600",
    "beside a backslash": "\\\U0001f600\\ud83d",
    "separators of lines": "a\u2028b\u2029c\u0085d",
    "controls": "\x7f\x80\x9f\ufeff",
    "no characters": "\ufffe\uffff",
    "letters": "é中",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("escaped", [True, False], ids=["escaped", "as they are"])
def test_json_with_special_characters_is_read(text: str, escaped: bool) -> None:
    raw = json.dumps({"a": text, text: 1}, ensure_ascii=escaped).encode()
    source = body_source(raw)
    assert source.diagnostics == ()
    assert source.data == {"a": text, text: 1} == loads(json_as_yaml(raw))


def test_text_that_is_not_json_is_unchanged() -> None:
    raw = 'a: "\\ud83d\\ude00"  # é'.encode()
    assert json_as_yaml(raw) == raw
    assert body_source(b"{").diagnostics


ODD = "".join(TEXTS.values())


def sent(body: Any) -> str:
    """As most libraries write JSON."""
    return json.dumps(body)


def test_rule_accepts_special_characters(server: Steered) -> None:
    assert server.call("POST", "/api/rules", sent({"reply": ODD})).status == 200
    assert server.reply_text("hello") == ODD
    assert server.call("PUT", "/api/rules/rule-1", sent({"reply": f"{ODD}!"})).status == 200
    assert server.reply_text("hello") == f"{ODD}!"


def test_setting_accepts_special_characters(server: Steered) -> None:
    patch = {"error": {"type": "overloaded", "message": ODD}}
    got = server.call("PATCH", "/api/config/global", sent(patch))
    assert got.json["global"] == patch
    assert ODD in server.ask("hello").json["error"]["message"]


def test_expectation_accepts_special_characters(server: Steered) -> None:
    server.ask(ODD)
    found = server.call(
        "POST", "/api/verify", sent({"expect": [{"match": {"user": {"contains": ODD}}}]})
    ).json
    assert found["passed"], found
    wrong = server.call("POST", "/api/verify", sent({"expect": [{"match": {ODD: 1}}]}))
    assert wrong.status == 422
    assert server.call("POST", "/api/verify", '{"in_order": true, "in_order": true}').status == 422


def test_explain_accepts_special_characters(server: Steered) -> None:
    server.ask(f"hello {ODD}")
    (found,) = server.call("GET", "/api/requests").json["requests"]
    stated = server.call("POST", "/api/explain", {"request_id": found["id"]})
    assert stated.json["rule"] == "a.yaml:hello"
    assert server.call("POST", "/api/explain", sent({"user": f"hello {ODD}"})).json["rule"] == "a.yaml:hello"


@pytest.mark.parametrize("key", ["use", "mcp", "examples", "finding"])
def test_key_of_files_is_no_single_item(key: str) -> None:
    assert list(overlay_source(f"{key}: [default]".encode()).data) == [key]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("{name: a, match: {model: m}}", "rules"),
        ("{name: a, match: {model: m}, replies: hi}", "rules"),
        ("{match: {model: m}, limt: {requests: 1}}", "modifiers"),
        ("{match: {model: m}, pace: {itl: 1ms}}", "modifiers"),
        ("{name: a, replaces: b, enabled: false}", "modifiers"),
        ("{error: overloaded, chance: 10%}", "modifiers"),
    ],
)
def test_single_item_is_a_rule_or_a_modifier(text: str, kind: str) -> None:
    source = overlay_source(text.encode())
    assert isinstance(source.data, dict)
    assert list(source.data) == [kind]
