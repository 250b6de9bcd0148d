"""What a scenario sets of the parts of a reply, in every protocol: ids of calls, waits inside a part, another text of
the body, and blocks of one dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.randomness import Ids
from mockllm.core.rendering.event_parser import events, sent_bytes
from mockllm.core.rendering.plan import EventStep, Plan, WaitStep
from mockllm.core.reply.reply import NativePart, Pause, Reply, Text, ToolCall
from mockllm.dialects.dialect import ReplyDialect, ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.provider_facts import DIALECT_NAMES
from tests.dialects.test_building_and_decoding import (
    CALL,
    CITY,
    IDENTITY,
    dialects,
    encoded,
    reply,
    requested,
    talking,
)

SCRIPTED: Final = ToolCall("look", ('{"city":', Pause(1.5), '"Paris"}'))
streamed: Final = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def encoded_as(dialect: ReplyDialect, replied: Reply, identity: ResponseIdentity, *, stream: bool) -> Plan:
    request = requested(dialect, NeutralRequest(stream=stream))
    supported = dialect.supported_reply(replied, request)
    return (dialect.encode_stream if stream else dialect.encode_body)(supported, request, identity)


def call_ids(dialect: ReplyDialect, plan: Plan) -> Mapping[str, str]:
    """Return the tools by the ids of their calls."""
    decoded = dialect.decode(plan)
    assert decoded is not None
    return decoded.tools_by_call_id


def placed_ids(dialect: ReplyDialect, plan: Plan) -> list[object]:
    """Return the ids in the places of a stream that the form of its events names."""
    form, found, opened = dialect.event_layout(requested(dialect, NeutralRequest())), [], set[object]()
    for step in plan.steps:
        try:
            payload = loads(step.payload) if isinstance(step, EventStep) else None
        except JSONDecodeError:
            continue
        for place in form.calls(payload, opened) if isinstance(payload, dict) else ():
            opened.add(place.number)
            if place.id is not None and place.id.parent.get(place.id.member):
                found.append(place.id.parent[place.id.member])
    return found


@talking
@streamed
def test_calls_of_a_response_have_different_ids(dialect: ReplyDialect, stream: bool) -> None:
    """Also two calls of one tool, and those of the next response."""
    replied = reply(CALL, Text(("Hm.",)), CALL, finish="tool_calls")
    plans = [
        encoded_as(dialect, replied, ResponseIdentity(Ids(0, "", number), 1.0), stream=stream)
        for number in (1, 2)
    ]
    if dialect.capabilities.tool_call_ids:
        assert len(call_ids(dialect, plans[0])) == 2
        assert not call_ids(dialect, plans[0]).keys() & call_ids(dialect, plans[1]).keys()
    if stream:
        ids = placed_ids(dialect, plans[0])
        assert len(set(ids)) in (0, 2), ids
        assert not set(ids) & set(placed_ids(dialect, plans[1]))


@talking
def test_body_and_stream_have_the_same_call_ids(dialect: ReplyDialect) -> None:
    replied = reply(CALL, CALL, finish="tool_calls")
    whole, stream = (encoded_as(dialect, replied, IDENTITY, stream=stream) for stream in (False, True))
    assert call_ids(dialect, whole) == call_ids(dialect, stream)


@talking
@streamed
def test_call_has_the_id_of_the_scenario(dialect: ReplyDialect, stream: bool) -> None:
    replied = reply(
        ToolCall("look", CALL.chunks, "own_1"), ToolCall("wait", ("{}",), "own_2"), finish="tool_calls"
    )
    plan = encoded_as(dialect, replied, IDENTITY, stream=stream)
    if dialect.capabilities.tool_call_ids:
        assert call_ids(dialect, plan) == {"own_1": "look", "own_2": "wait"}
    if stream:
        assert set(placed_ids(dialect, plan)) in (set(), {"own_1", "own_2"})


@talking
@streamed
def test_wait_inside_a_call_changes_no_arguments(dialect: ReplyDialect, stream: bool) -> None:
    plan = encoded(dialect, reply(SCRIPTED, finish="tool_calls"), stream=stream)
    decoded = dialect.decode(plan)
    assert decoded is not None
    assert decoded.calls == CITY
    waits = [step.seconds for step in plan.steps if isinstance(step, WaitStep)]
    assert waits == ([1.5] if stream else [])


@dialects
def test_body_has_its_own_text(dialect: ReplyDialect) -> None:
    replied = reply(Text(("Hel", Pause(1.5), "lo"), whole="Good day"))
    whole, stream = (dialect.decode(encoded(dialect, replied, stream=stream)) for stream in (False, True))
    assert whole is not None
    assert stream is not None
    assert (whole.text, stream.text, stream.chunks) == ("Good day", "Hello", ("Hel", "lo"))


BLOCKS: Final[tuple[Json, ...]] = ({"type": "own_block", "own_member": "seen"}, {"own_member": "seen"})
"""A block with a type, and one without: the two protocols of OpenAI tell their blocks apart by it."""

WITHOUT_BLOCKS: Final = frozenset({"cohere"})
"""The protocols in which all content has a neutral form."""


def block_dialect(dialect: ReplyDialect) -> str:
    """Return the name under which a call has native parts: `invoke` speaks the protocol of its model."""
    return "anthropic" if dialect.api == "invoke" else dialect.name


@dialects
@streamed
def test_block_of_another_dialect_is_not_sent(dialect: ReplyDialect, stream: bool) -> None:
    others = DIALECT_NAMES - {block_dialect(dialect)}
    blocks = [NativePart(name, block) for name in sorted(others) for block in BLOCKS]
    plain, mixed = reply(Text(("Hel", "lo"))), reply(*blocks, Text(("Hel", "lo")), *blocks)
    expected = sent_bytes(encoded(dialect, plain, stream=stream))
    assert sent_bytes(encoded(dialect, mixed, stream=stream)) == expected


@talking
@streamed
def test_block_of_a_dialect_is_sent(dialect: ReplyDialect, stream: bool) -> None:
    name = block_dialect(dialect)
    replies = (reply(Text(("Hello",)), NativePart(name, block)) for block in BLOCKS)
    plans = (encoded(dialect, each, stream=stream) for each in replies)
    sent = any(b"own_member" in data for plan in plans for data, _ in events(plan))
    assert sent is (name not in WITHOUT_BLOCKS), "send the block, or add the protocol to WITHOUT_BLOCKS"
