"""Continuations of one conversation of Mistral: those that overlap, and what they count."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockllm.core.json.codec import Json
from tests.dialects.mistral.conversing import Conversing
from tests.dialects.openai.vector_stores.test_deferred_store_calls import planned
from tests.language.virtual_server import NOW, raw_request

RULES = """
rules:
  - {name: long, match: {user: long}, reply: {text: {tokens: 9000}}}
  - {name: rest, reply: "{{ user }}!"}
"""


def append_in_thread(conversing: Conversing, id: str) -> Callable[[], object]:
    """Plan an append in a thread. Return what stores it."""
    sent = raw_request(f"/mistral/v1/conversations/{id}", {"inputs": "long"}, now=NOW)
    return planned(conversing.server, sent)


def append_with_conflict(conversing: Conversing, id: str) -> Callable[[], object]:
    """Append to a conversation that other requests change meanwhile. Return what stores it again."""
    again: list[Callable[[], object]] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            conversing.server.engine.state, "apply_storage_update", lambda *update: again.append(update[-1])
        )
        conversing.append(id, "long")
    return again[0]


appends = pytest.mark.parametrize("append", [append_in_thread, append_with_conflict])


@appends
def test_append_leaves_entries_of_others(append: Callable[[Conversing, str], Callable[[], object]]) -> None:
    conversing = Conversing(RULES)
    id = conversing.start("one")["conversation_id"]
    store = append(conversing, id)
    conversing.append(id, "two")
    store()
    entries = conversing.history(id)
    assert [entry["content"] for entry in entries[:5]] == ["one", "one!", "two", "two!", "long"]
    assert len(entries) == len({entry["id"] for entry in entries}) == 6


@appends
def test_append_to_deleted_conversation_is_lost(
    append: Callable[[Conversing, str], Callable[[], object]],
) -> None:
    conversing = Conversing(RULES)
    id = conversing.start("one")["conversation_id"]
    store = append(conversing, id)
    assert conversing.respond(f"conversations/{id}", method="DELETE").status == 204
    store()
    assert conversing.get("conversations") == []


def test_continuations_count_as_one_conversation() -> None:
    conversing = Conversing("rules: [{per: conversation, sequence: [one, two, three, four, five]}]")
    first = conversing.start("hi")
    id = first["conversation_id"]
    entry = first["outputs"][0]["id"]
    sent = [first, *(conversing.append(id, text) for text in ("more", "most"))]
    restarted = conversing.respond(
        f"conversations/{id}/restart", {"inputs": "again", "from_entry_id": entry}
    ).json
    sent += [restarted, conversing.append(restarted["conversation_id"], "last")]
    assert [each["outputs"][0]["content"] for each in sent] == ["one", "two", "three", "four", "five"]
    assert conversing.start("other")["outputs"][0]["content"] == "one"


GUARDRAILS: Json = [{"block_on_error": True}]


def test_restart_has_what_the_conversation_began_with() -> None:
    conversing = Conversing()
    begun: dict[str, Json] = {"name": "Mine", "description": "My own.", "guardrails": GUARDRAILS}
    first = conversing.start("one", **begun)
    body = {"inputs": "two", "from_entry_id": first["outputs"][0]["id"]}
    path = f"conversations/{first['conversation_id']}/restart"
    kept = conversing.get(f"conversations/{conversing.respond(path, body).json['conversation_id']}")
    assert {name: kept[name] for name in begun} == begun
    own: Json = {"guardrails": [], "metadata": {"b": 2}}
    other = conversing.respond(path, {**body, **own}).json
    shown = conversing.get(f"conversations/{other['conversation_id']}")
    assert (shown["name"], shown["guardrails"], shown["metadata"]) == ("Mine", [], {"b": 2})
