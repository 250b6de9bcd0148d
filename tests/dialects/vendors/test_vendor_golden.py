"""Vendors' chat completions and responses, their streams and their errors, byte for byte."""

from __future__ import annotations

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import dumps
from mockllm.core.reply.reply import Choice, Reply, Text, Thinking, ToolCall, Usage
from mockllm.dialects.providers import generating_dialect
from mockllm.dialects.vendors.vendor import Vendor
from tests.compatible import VENDORS
from tests.dialects.vendors.test_vendor_calls import IDENTITY, chat, request, vendors
from tests.golden.wire import assert_golden

LOOK = ToolCall("look", ("{", "}"))
GOLDEN = Reply(
    (Choice((Thinking(("Let me", " see.")), Text(("Yes", ".")), LOOK), "tool_calls"),),
    Usage(20, 9, cache_read=4, reasoning=3),
)


@vendors
def test_vendor_chat_equals_golden_file(vendor: Vendor) -> None:
    dialect = chat(vendor.name)
    assert_golden(f"vendors/{vendor.name}-whole.txt", dialect.encode_body(GOLDEN, request(), IDENTITY))
    stream = dialect.encode_stream(GOLDEN, request(stream=True), IDENTITY)
    assert_golden(f"vendors/{vendor.name}-stream.txt", stream)
    error = dialect.error(Failure("rate_limit"), request(), IDENTITY)
    assert_golden(f"vendors/{vendor.name}-error.txt", error)


@vendors
def test_vendor_stream_error_equals_golden_file(vendor: Vendor) -> None:
    broken = Reply((Choice((Text(("Yes",)),)),), failure=Failure("server_error"))
    plan = chat(vendor.name).encode_stream(broken, request(stream=True), IDENTITY)
    assert_golden(f"vendors/{vendor.name}-error-in-stream.txt", plan)


@pytest.mark.parametrize("name", [vendor.name for vendor in VENDORS if vendor.edit_response is not None])
def test_vendor_responses_equal_golden_file(name: str) -> None:
    dialect = generating_dialect(name, "responses")
    assert dialect is not None
    for stream in (False, True):
        body = dumps({"model": "m", "input": "hi", "stream": stream})
        requested = dialect.request_class(method="POST", path="/", headers={}, raw=body)
        say = dialect.encode_stream if stream else dialect.encode_body
        plan = say(dialect.supported_reply(GOLDEN, requested), requested, IDENTITY)
        assert_golden(f"vendors/{name}-responses{'-stream' if stream else ''}.txt", plan)
        error = dialect.error(Failure("rate_limit"), requested, IDENTITY)
        assert_golden(f"vendors/{name}-responses-error.txt", error)
