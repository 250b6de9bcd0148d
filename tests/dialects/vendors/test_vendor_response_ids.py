"""The ids and the tier of DeepSeek's and xAI's responses."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.reply.reply import Call, Choice, Reply, Text, Thinking
from mockllm.dialects.vendors.responses import VendorResponses
from tests.dialects.vendors.test_vendor_calls import STAMP, payload, route_request

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
PARTS = (Thinking(("Hm.",)), Text(("Hi",)), Call("look", ("{}",)), Call("see", ("{}",)))
REPLY = Reply((Choice(PARTS, "tool_calls"),))


def responses(vendor: str, **fields: Json) -> tuple[Json, list[Any]]:
    """Return the body of a response, and the events of the same response as a stream."""
    dialect, request = route_request(f"/{vendor}/responses", {"model": "m", "input": "hi", **fields})
    assert isinstance(dialect, VendorResponses)
    body = payload(dialect.encode_body(REPLY, request, STAMP))
    return body, [loads(data) for _, data in events(dialect.encode_stream(REPLY, request, STAMP))]


def test_deepseeks_ids_are_uuids() -> None:
    body, stream = responses("deepseek")
    ids = [body["id"], *(item["id"] for item in body["output"])]
    assert all(re.fullmatch(UUID, id) for id in ids)
    assert len(set(ids)) == 5
    done = stream[-1]["response"]
    assert [done["id"], *(item["id"] for item in done["output"])] == ids
    assert {event["item_id"] for event in stream if "item_id" in event} == set(ids[1:])


def test_xais_items_have_the_uuid_of_the_response() -> None:
    body, stream = responses("xai/v1")
    id = body["id"]
    assert re.fullmatch(UUID, id)
    expected = [f"rs_{id}", f"msg_{id}", f"fc_{id}_0", f"fc_{id}_1"]
    assert [item["id"] for item in body["output"]] == expected
    assert [item["id"] for item in stream[-1]["response"]["output"]] == expected


@pytest.mark.parametrize("vendor", ["deepseek", "xai/v1"])
@pytest.mark.parametrize(("requested", "expected"), [(None, "default"), ("priority", "priority")])
def test_tier_is_named_from_the_first_event(vendor: str, requested: Json, expected: str) -> None:
    _, stream = responses(vendor, service_tier=requested)
    assert [event["response"]["service_tier"] for event in stream[:2]] == [expected] * 2


def test_other_vendors_have_openais_ids() -> None:
    assert responses("groq/openai/v1")[0]["id"].startswith("resp_")
