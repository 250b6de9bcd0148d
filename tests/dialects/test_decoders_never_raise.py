"""No decoder raises: each field of a response is left out, null or of another type, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.randomness import Ids
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.reply import Choice, Refusal, Reply, Text, Thinking, ToolCall, Usage
from mockllm.core.request.request import Tool
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.dialect import ReplyDialect, ResponseIdentity
from mockllm.dialects.gemini.dialects import INTERACTIONS
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.providers import GENERATING_CALLS, GeneratingCall
from tests.examples import some
from tests.language.virtual_server import VirtualServer

IDENTITY = ResponseIdentity(Ids(0, "decoders", 1), 1_760_000_000.0)
REPLIES = (
    Reply(
        (
            Choice(
                (Thinking(("Hm.",)), Text(("Forty ", "two.")), ToolCall("f", ('{"a":', "1}"))), "tool_calls"
            ),
        ),
        Usage(9, 8, 2, 1, 3),
    ),
    Reply((Choice((Refusal(("No.",)),), "refusal"),), Usage(9, 8)),
)
OTHER_VALUES: tuple[Json, ...] = (None, 7, 0.5, True, "x", [], {}, [7], {"a": []}, [[]])
MISSING = object()
CALLS = (*GENERATING_CALLS, GeneratingCall("gemini", "interactions", INTERACTIONS))
calls = pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)


def plans(call: GeneratingCall) -> Iterator[Plan]:
    """Yield bodies, streams and errors of a call."""
    dialect = call.dialect
    for stream in (False, True):
        wire = dialect.build_request(NeutralRequest(user="hi", stream=stream, tools=(Tool("f"),)))
        path, _, query = wire.path.partition("?")
        server = VirtualServer("rules: [{reply: x}]")
        request = server.engine.read(wire.method, path, query, dict(wire.headers), dumps(wire.body), "c", 1.0)
        for reply in REPLIES:
            supported = dialect.supported_reply(reply, request)
            encode = dialect.encode_stream if stream else dialect.encode_body
            yield encode(supported, request, IDENTITY)
        yield dialect.error(Failure("rate_limit"), request, IDENTITY)


def altered(value: Json) -> Iterator[Json]:
    """Yield the value with one of its nodes changed or left out."""
    yield from OTHER_VALUES
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        for changed in (MISSING, *altered(child)):
            copied: Any = dict(value) if isinstance(value, dict) else list(value)
            if changed is MISSING:
                del copied[key]
            else:
                copied[key] = changed
            yield copied


def altered_plans(plan: Plan) -> Iterator[Plan]:
    for place, step in enumerate(plan.steps):
        if not isinstance(step, EventStep):
            continue
        try:
            payload = loads(step.payload)
        except JSONDecodeError:
            continue
        for changed in some(altered(payload)):
            new = replace(step, payload=dumps(changed))
            yield Plan(plan.head, (*plan.steps[:place], new, *plan.steps[place + 1 :]), plan.framing)


def decode(dialect: ReplyDialect, plan: Plan) -> DecodedResponse | None:
    return dialect.decode(plan)


@calls
def test_decoder_never_raises_on_altered_field(call: GeneratingCall) -> None:
    decoded = [decode(call.dialect, changed) for plan in plans(call) for changed in altered_plans(plan)]
    assert sum(isinstance(response, DecodedResponse) for response in decoded) > len(decoded) / 3


@calls
def test_decoder_returns_text_where_another_field_is_wrong(call: GeneratingCall) -> None:
    """What can be decoded is decoded: few fields hold the text."""
    plan = next(plans(call))
    expected = decode(call.dialect, plan)
    assert expected is not None
    texts = [response.text for changed in altered_plans(plan) if (response := decode(call.dialect, changed))]
    assert texts.count(expected.text) > len(texts) / 2
