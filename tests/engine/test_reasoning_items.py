"""Reasoning that must come back: what a request without it, or with another content, gets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.virtual_server import VirtualServer, raw_request

RULES = """
rules:
  - name: call
    match: {model: call, tool_result: {exists: false}}
    reply: {thinking: Hm., tool_calls: [{name: f, arguments: {}}]}
  - {name: bare, match: {model: bare}, reply: {parts: [{thinking: Hm.}, {server_tools: [{web_search: x}]}]}}
  - {name: said, reply: Done.}
"""
USER: Any = {"role": "user", "content": "hi"}


class Stateless:
    """A client that stores the items itself, with the items of its first response."""

    def __init__(self, model: str = "call", **fields: Any) -> None:
        self.game = VirtualServer(RULES)
        self.fields = {"model": model, "store": False, "include": ["reasoning.encrypted_content"], **fields}
        self.items = self.ask(USER)["output"]
        self.result = {
            "type": "function_call_output",
            "call_id": self.items[-1].get("call_id"),
            "output": "1",
        }

    def ask(self, *items: Any) -> Any:
        return self.game.respond(raw_request("/v1/responses", {**self.fields, "input": list(items)})).json


def test_items_as_they_were_pass() -> None:
    client = Stateless()
    assert client.ask(USER, *client.items, client.result)["status"] == "completed"


def test_item_without_its_reasoning_is_refused() -> None:
    client = Stateless()
    error = client.ask(USER, client.items[1], client.result)["error"]
    assert "was provided without its required 'reasoning' item" in error["message"]
    assert error["param"] == "input"


def test_items_without_ids_are_not_checked() -> None:
    client = Stateless()
    call = {name: value for name, value in client.items[1].items() if name != "id"}
    assert client.ask(USER, call, client.result)["status"] == "completed"


def test_changed_content_is_refused() -> None:
    client = Stateless()
    changed = {**client.items[0], "encrypted_content": "gAAAAABother"}
    error = client.ask(USER, changed, client.items[1], client.result)["error"]
    assert (error["code"], error["param"]) == ("invalid_encrypted_content", None)
    assert "The encrypted content gAAA...ther could not be verified." in error["message"]


@pytest.mark.parametrize("store", [True, False])
def test_missing_content_needs_a_stored_item(store: bool) -> None:
    client = Stateless(store=store)
    bare = {name: value for name, value in client.items[0].items() if name != "encrypted_content"}
    reported = client.ask(USER, bare, client.items[1], client.result)
    assert ("error" in reported and reported["error"] is not None) is not store
    if not store:
        assert "Items are not persisted" in reported["error"]["message"]


def test_reasoning_before_a_server_tool_binds_nothing() -> None:
    client = Stateless("bare")
    assert client.ask(USER, client.items[1], USER)["status"] == "completed"
