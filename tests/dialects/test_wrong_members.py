"""No request raises or makes a 500: each member of a body with all neutral fields has another type, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from msgspec.structs import replace
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.request.request import Request
from mockllm.dialects.neutral_request import WireRequest
from mockllm.dialects.providers import GeneratingCall
from tests.dialects.full_requests import calls, full_request, read, with_each_member
from tests.dialects.test_building_and_decoding import IDENTITY
from tests.examples import some
from tests.language.virtual_server import NOW, VirtualServer

OTHERS: Final[tuple[Json, ...]] = (
    None, 3, -0.5, True, "x", [], {}, [[]], ["x"], [None], [{}], [{"type": "text", "text": 3}], {"type": []},
)  # fmt: skip
DEPTH: Final = 4
"""As many objects are around the innermost replaced member: `messages.tool_calls.function.name`."""

RULE: Final = "rules: [{reply: {thinking: Hm., text: Hi., tool_calls: [{name: look}]}}]"


def wrong_bodies(wire: WireRequest) -> Iterator[bytes]:
    """Yield the body with one wrong member, and no object at all."""
    return map(dumps, (*OTHERS, *with_each_member(loads(dumps(wire.body)), OTHERS, DEPTH)))


def read_all(request: Request) -> None:
    """Read every property of a request."""
    for name in dir(type(request)):
        kind = getattr(type(request), name)
        if isinstance(kind, property | cached_property):
            getattr(request, name)


def checked(call: GeneratingCall, request: Request) -> None:
    """Let both checks, the encoding key and the form read a request, and write the failure of each check."""
    dialect = call.dialect
    for failure in (dialect.check(request), dialect.check_readable(request)):
        if isinstance(failure, Failure):
            dialect.error(failure, request, IDENTITY)
    assert isinstance(hash(dialect.encoding_key(request)), int)
    dialect.event_layout(request)
    read_all(request)


@calls
def test_member_of_another_type_raises_nothing(call: GeneratingCall) -> None:
    wire = call.dialect.build_request(full_request(call))
    for raw in wrong_bodies(wire):
        try:
            checked(call, read(call, wire, raw))
            read_all(read(call, wire, raw))
        except Exception as error:
            pytest.fail(f"{raw.decode()} raises {error!r}")


@calls
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("validation", ["exact", "off"])
def test_member_of_another_type_makes_no_500(call: GeneratingCall, validation: str, stream: bool) -> None:
    engine = VirtualServer(f"validation: {validation}\n{RULE}").engine
    wire = call.dialect.build_request(replace(full_request(call), stream=stream))
    path, _, query = wire.path.partition("?")
    for raw in some(wrong_bodies(wire)):
        request = engine.read(wire.method, path, query, dict(wire.headers), raw, "127.0.0.1", NOW)
        try:
            status = engine.respond(request).status
        except Exception as error:
            pytest.fail(f"{raw.decode()} raises {error!r}")
        assert status < 500, raw
