"""Which rules several processes can share, and the places of those that they cannot."""

from __future__ import annotations

import pytest

from mockllm.server.workers.shareable import beyond_store, of_one_process, unshareable
from tests.language.virtual_server import VirtualServer


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules: [{reply: Hi.}]", None),
        ("rules: [{reply: Hi., hold: gate}]", "several processes have no hold: "),
        ("rules: [{sequence: [a, {reply: b, hold: gate}]}]", "several processes have no hold: "),
        ("rules: [{reply: Hi.}]\nmodifiers: [{hold: gate}]", "several processes have no hold: "),
    ],
)
def test_response_that_waits_needs_one_process(text: str, message: str | None) -> None:
    mistakes = of_one_process(VirtualServer(text).engine.catalog)
    assert [each.message.startswith(message or "") for each in mistakes] == [True] * (message is not None)
    assert all(each.message.endswith("; leave out --workers") for each in mistakes)


def test_counting_rule_needs_a_store() -> None:
    catalog = VirtualServer("rules: [{reply: Hi., times: 2}, {reply: Else.}]").engine.catalog
    [mistake] = unshareable(catalog)
    assert "several processes cannot share what these rules count" in mistake.message
    assert "; leave out --workers, or give the processes a store: --store redis://" in mistake.message
    assert beyond_store(catalog) == []


@pytest.mark.parametrize(
    ("load", "name"),
    [
        ("max_inflight: 1, queue: 5", "queue"),
        ("batch: {slots: 2, prefill: {base: 1ms}, itl: {1: 1ms}}", "batch"),
    ],
)
def test_waits_for_a_load_are_beyond_a_store(load: str, name: str) -> None:
    text = f"rules: [{{reply: Hi.}}]\nmodifiers: [{{load: {{{load}}}}}]"
    [mistake] = beyond_store(VirtualServer(text).engine.catalog)
    assert mistake.message.startswith(f"several processes have no load.{name}: ")
    assert mistake.message.endswith("; leave out --workers")


def test_question_of_mcp_server_needs_one_process() -> None:
    text = """
mcp: [{name: travel, tools: [book]}]
rules:
  - match: {mcp: {tool: book}}
    reply:
      mcp:
        ask:
          confirm:
            method: elicitation/create
            params: {message: Really, requestedSchema: {type: object, properties: {}}}
"""
    [mistake] = of_one_process(VirtualServer(text).engine.catalog)
    assert mistake.message.startswith("several processes have no mcp.ask: ")
