"""The response cache and Mistral's conversations: a cached response equals a rendered one, byte for byte."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.engine.response_cache import CachedResponse
from tests.engine.cached_and_rendered import compare
from tests.language.virtual_server import NOW, ClientRequest, VirtualServer, raw_request

RULES = "rules: [{match: {user: call}, reply: {tool_calls: [{name: look}]}}, {reply: {thinking: Hm., text: Hello.}}]"
PATH = "/mistral/v1/conversations"
MODEL: Json = {"model": "mistral-small-latest"}


def start(turn: int, **fields: Json) -> ClientRequest:
    return raw_request(PATH, {**MODEL, "inputs": "hi", **fields}, now=NOW + turn)


def stored() -> tuple[str, str, str]:
    """Return the ids of two conversations and of an entry of the first: equal runs have equal ids."""
    server = VirtualServer(RULES)
    first, second = (server.respond(start(turn)).json for turn in range(2))
    return first["conversation_id"], second["conversation_id"], first["outputs"][0]["id"]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("inputs", ["hi", "call"])
def test_continued_conversations_equal_uncached_ones(inputs: str, stream: bool) -> None:
    first, second, entry = stored()
    fields: Json = {"inputs": inputs, "stream": stream, "store": False}
    requested = [start(0), start(1)]
    for turn in range(2, 8):
        body = {**fields, "completion_args": {"top_p": turn % 2}}
        requested += [raw_request(f"{PATH}/{id}", body, now=NOW + turn) for id in (first, second)]
        restart = {**fields, "from_entry_id": entry}
        requested.append(raw_request(f"{PATH}/{first}/restart", restart, now=NOW + turn))
    entries = compare(RULES, requested).engine._planner.response_cache.entries.values()
    assert any(type(each) is CachedResponse for each in entries)


def test_agents_do_not_share_cached_responses() -> None:
    agents: tuple[Json, ...] = ("ag_1", "ag_2")
    compare(RULES, [start(turn, agent_id=id, model="m") for turn in range(4) for id in agents])
