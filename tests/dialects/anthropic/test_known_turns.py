"""Messages that are sent again with more turns: the new ones are checked."""

from __future__ import annotations

from mockllm.core.json.codec import Json
from tests.language.virtual_server import VirtualServer, raw_request


def test_last_message_behind_known_ones_is_checked() -> None:
    server = VirtualServer("rules: [{reply: x}]")
    turns: list[Json] = [{"role": "user", "content": "x" * 3000}]

    def status(messages: list[Json]) -> int:
        body: Json = {"model": "claude-opus-4-1", "max_tokens": 9, "messages": messages}
        return server.respond(raw_request("/v1/messages", body)).status

    for _ in range(3):
        assert status(turns) == 200
        turns += [{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]
    assert status([*turns, {"role": "assistant", "content": "ends with a space "}]) == 400
