"""Four promises of docs/adding-a-dialect.md, in every protocol."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.json.codec import dumps
from mockllm.core.rendering.plan import EventStep
from mockllm.core.reply.reply import Pause, Text, ToolCall, Usage
from mockllm.dialects.dialect import ReplyDialect
from mockllm.dialects.neutral_request import NeutralRequest
from tests.dialects.test_agent_loop import CALLS, HISTORIES, LOOK, RULES
from tests.dialects.test_building_and_decoding import WANTED, dialects, encoded, reply, requested, talking
from tests.dialects.test_parts_of_replies import block_dialect, streamed
from tests.dialects.test_words_of_replies import payloads
from tests.language.virtual_server import ClientRequest, VirtualServer

PLAIN = reply(Text(("one", "two")))


def event_payloads(dialect: ReplyDialect, *parts: Any) -> list[bytes]:
    plan = encoded(dialect, reply(*parts), stream=True)
    return [step.payload for step in plan.steps if type(step) is EventStep]


@talking
def test_wait_between_chunks_changes_no_event(dialect: ReplyDialect) -> None:
    usual = event_payloads(dialect, Text(("one", "two")), ToolCall("look", ('{"city":', '"Paris"}')))
    waits = (Text(("one", Pause(0.0), "two")), ToolCall("look", ('{"city":', Pause(0.0), '"Paris"}')))
    assert usual == event_payloads(dialect, *waits), "chunk_affixes differs from chunk_events"


@dialects
@streamed
def test_extras_bring_no_usage_back(dialect: ReplyDialect, stream: bool) -> None:
    uncounted = replace(PLAIN, usage=Usage(20, 9, presence="missing"))
    usual, bare = (payloads(encoded(dialect, each, stream=stream)) for each in (PLAIN, uncounted))
    names = {name for body in usual for name in body if isinstance(body[name], dict)} - {
        name for body in bare for name in body
    }
    extras = {block_dialect(dialect): {name: {"own_member": 1} for name in names}}
    found = payloads(encoded(dialect, replace(uncounted, extras=extras), stream=stream))
    assert not names & {name for body in found for name in body}, (
        "merge the extras before null_or_remove_usage"
    )


@dialects
def test_turns_are_read_with_their_roles(dialect: ReplyDialect) -> None:
    """A protocol without turns has one prompt."""
    roles = [message.role for message in requested(dialect, WANTED["a history"]).messages]
    assert roles in (["user"], ["user", "assistant", "user"])


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("name", CALLS)
def test_result_alone_finds_the_tool_of_its_call(name: str, stream: bool) -> None:
    call, server = CALLS[name], VirtualServer("validation: off\n" + RULES.lstrip())
    if not call.dialect.capabilities.tool_call_ids:
        return

    def turn(messages: Any) -> Any:
        wire = call.dialect.build_request(
            NeutralRequest(user="Weather?", messages=messages, tools=(LOOK,), stream=stream)
        )
        path, _, query = wire.path.partition("?")
        response = server.respond(ClientRequest(path, dumps(wire.body), wire.method, query, wire.headers))
        return call.dialect.decode(response.planned.plan)

    first = turn(None)
    history = HISTORIES[call.endpoint](next(iter(first.tools_by_call_id), "call_1"))
    assert turn(history[-1:]).text == "It is 22 degrees in turn 1."
