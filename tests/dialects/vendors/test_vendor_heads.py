"""Headers and messages of single vendors, as recorded: content types, refusals before a limit, masked keys."""

from __future__ import annotations

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.reply.reply import Choice, Reply, Text
from mockllm.dialects.openai.chat.request import ChatRequest
from tests.dialects.vendors.test_vendor_calls import HI, IDENTITY, chat, payload, request

REPLY = Reply((Choice((Text(("Hi",)),)),))


@pytest.mark.parametrize(
    ("vendor", "expected"),
    [
        ("together", "application/json; charset=utf-8"),
        ("zai", "application/json; charset=UTF-8"),
        ("groq", "application/json"),
    ],
)
def test_content_type_has_the_vendors_charset(vendor: str, expected: str) -> None:
    plan = chat(vendor).encode_body(REPLY, request(), IDENTITY)
    assert dict(plan.head.headers)["content-type"] == expected


@pytest.mark.parametrize(
    ("vendor", "expected"), [("xai", set()), ("mistral", {"mistral-correlation-id", "x-kong-request-id"})]
)
def test_refused_key_has_no_headers_of_limits(vendor: str, expected: set[str]) -> None:
    names = {
        name for name, _ in chat(vendor).error(Failure("authentication"), request(), IDENTITY).head.headers
    }
    assert names == {"content-type", *expected}
    others = {
        name for name, _ in chat(vendor).error(Failure("bad_request"), request(), IDENTITY).head.headers
    }
    assert any(name.startswith("x-ratelimit") for name in others)


@pytest.mark.parametrize(
    ("key", "shown"), [("sk-0123456789abcdef", "****cdef"), ("mock-api-key", "****-key")]
)
def test_deepseek_masks_all_but_the_end_of_a_key(key: str, shown: str) -> None:
    body: Json = HI
    sent = ChatRequest(method="POST", path="/", headers={"authorization": f"Bearer {key}"}, raw=dumps(body))
    error = payload(chat("deepseek").error(Failure("authentication"), sent, IDENTITY))["error"]
    assert error["message"] == f"Authentication Fails, Your api key: {shown} is invalid"
