"""A request of each generating call with all fields of a `NeutralRequest`, and a history with a tool call where it
has turns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import pytest
from msgspec.structs import replace

from mockllm.core.json.codec import Json, dumps
from mockllm.core.request.request import Request, Tool
from mockllm.core.request.response_parameters import Format
from mockllm.core.request.tools import ToolChoice
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.providers import GENERATING_CALLS, GeneratingCall
from mockllm.dialects.router import RouteMatch, find_route
from tests.dialects.test_agent_loop import HISTORIES, LOOK

calls: Final = pytest.mark.parametrize("call", GENERATING_CALLS, ids=lambda call: call.name)
talking_calls: Final = pytest.mark.parametrize(
    "call",
    [call for call in GENERATING_CALLS if call.dialect.capabilities.conversation],
    ids=lambda call: call.name,
)
CALL_ID: Final = "call_1"
"""The id of the tool call in the history."""
SCHEMA: Final[Mapping[str, Json]] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
_WORDS: Final = NeutralRequest(
    system="Be brief.", stop=("END",), max_tokens=70, stream=True, n=2, api_key="sk-x"
)


def full_request(call: GeneratingCall) -> NeutralRequest:
    """Return the neutral request."""
    if not call.dialect.capabilities.conversation:
        return _WORDS
    return replace(
        _WORDS,
        messages=HISTORIES[call.endpoint](CALL_ID),
        tools=(LOOK, Tool("wait", SCHEMA, "Waits.")),
        tool_choice=ToolChoice("named", ("look",)),
        response_format=Format("schema", None, SCHEMA),
    )


def read(call: GeneratingCall, wire: WireRequest, raw: bytes | None = None) -> Request:
    """Return the request as the call's class reads it; `raw` replaces its body."""
    path, _, query = wire.path.partition("?")
    found = find_route(wire.method, path, wire.headers, query)
    assert isinstance(found, RouteMatch)
    return call.dialect.request_class(
        method=wire.method,
        path=path,
        headers=wire.headers,
        raw=dumps(wire.body) if raw is None else raw,
        query_string=query,
        provider=call.provider,
        path_variables=found.path_variables,
    )


def with_each_member(value: Json, others: tuple[Json, ...], depth: int) -> Iterator[Json]:
    """Yield the value with one member replaced by each of the remaining values, and by altered forms of the member.
    `depth` is the greatest number of objects around a replaced member."""
    if isinstance(value, dict) and depth:
        for name, child in value.items():
            for changed in (*others, *with_each_member(child, others, depth - 1)):
                yield {**value, name: changed}
    if isinstance(value, list):
        for place, child in enumerate(value):
            for changed in (*others, *with_each_member(child, others, depth)):
                yield [*value[:place], changed, *value[place + 1 :]]
