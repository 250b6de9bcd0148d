"""The ids and the tier of DeepSeek's, xAI's and OpenRouter's responses."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.reply.reply import Choice, NativePart, Reply, Text, Thinking, ToolCall
from mockllm.dialects.vendors.chat import VendorChat
from mockllm.dialects.vendors.responses import VendorResponses
from tests.dialects.vendors.test_vendor_calls import IDENTITY, payload, route_request

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
PARTS = (Thinking(("Hm.",)), Text(("Hi",)), ToolCall("look", ("{}",)), ToolCall("see", ("{}",)))
REPLY = Reply((Choice(PARTS, "tool_calls"),))


def responses(vendor: str, **fields: Json) -> tuple[Json, list[Any]]:
    """Return the body of a response, and the events of the same response as a stream."""
    dialect, request = route_request(f"/{vendor}/responses", {"model": "m", "input": "hi", **fields})
    assert isinstance(dialect, VendorResponses)
    body = payload(dialect.encode_body(REPLY, request, IDENTITY))
    sent = events(dialect.encode_stream(REPLY, request, IDENTITY))
    return body, [loads(data) for data, _ in sent if data != b"[DONE]"]


def test_deepseeks_ids_are_uuids() -> None:
    body, stream = responses("deepseek")
    ids = [body["id"], *(item["id"] for item in body["output"])]
    assert all(re.fullmatch(UUID, id) for id in ids)
    assert len(set(ids)) == 5
    done = stream[-1]["response"]
    assert [done["id"], *(item["id"] for item in done["output"])] == ids
    assert {event["item_id"] for event in stream if "item_id" in event} == set(ids[1:])


def test_openrouters_ids_are_those_of_a_generation() -> None:
    body, stream = responses("openrouter/api/v1")
    assert re.fullmatch("gen-[0-9]{10}-[0-9A-Za-z]{20}", body["id"])
    forms = ("rs_[0-9a-f]{50}", *("msg_tmp_[0-9a-z]{11}", "fc_tmp_[0-9a-z]{11}", "fc_tmp_[0-9a-z]{11}"))
    ids = [item["id"] for item in body["output"]]
    assert all(re.fullmatch(form, id) for form, id in zip(forms, ids, strict=True))
    assert [item["id"] for item in stream[-1]["response"]["output"]] == ids


def test_xais_items_have_the_uuid_of_the_response() -> None:
    body, stream = responses("xai/v1")
    id = body["id"]
    assert re.fullmatch(UUID, id)
    expected = [f"rs_{id}", f"msg_{id}", f"fc_{id}_0", f"fc_{id}_1"]
    assert [item["id"] for item in body["output"]] == expected
    assert [item["id"] for item in stream[-1]["response"]["output"]] == expected


CALL_IDS = {
    "deepseek": r"call_0(\d)_[0-9A-Za-z]{24}",
    "xai/v1": rf"call-{UUID}-(\d)",
}
"""The form of the ids of calls in all recordings of these vendors: the calls of a response are counted."""


@pytest.mark.parametrize("vendor", CALL_IDS)
def test_calls_of_responses_have_ids_of_the_vendor(vendor: str) -> None:
    body, stream = responses(vendor)
    ids = [item["call_id"] for item in body["output"] if item["type"] == "function_call"]
    numbers = [found[1] for id in ids if (found := re.fullmatch(CALL_IDS[vendor], id))]
    assert numbers == ["0", "1"], ids
    done = stream[-1]["response"]["output"]
    assert [item["call_id"] for item in done if item["type"] == "function_call"] == ids
    added = [event["item"] for event in stream if event["type"].endswith("item.added")]
    assert [item["call_id"] for item in added if item["type"] == "function_call"] == ids


def test_calls_of_deepseeks_chat_are_counted() -> None:
    dialect, request = route_request("/deepseek/chat/completions", {"model": "m", "messages": []})
    assert isinstance(dialect, VendorChat)
    (choice,) = payload(dialect.encode_body(REPLY, request, IDENTITY))["choices"]
    ids = [call["id"] for call in choice["message"]["tool_calls"]]
    assert [re.fullmatch(CALL_IDS["deepseek"], id) is not None for id in ids] == [True, True], ids
    assert [id[:8] for id in ids] == ["call_00_", "call_01_"]


@pytest.mark.parametrize("vendor", ["deepseek", "xai/v1"])
@pytest.mark.parametrize(("requested", "expected"), [(None, "default"), ("priority", "priority")])
def test_tier_is_named_from_the_first_event(vendor: str, requested: Json, expected: str) -> None:
    _, stream = responses(vendor, service_tier=requested)
    assert [event["response"]["service_tier"] for event in stream[:2]] == [expected] * 2


def test_other_vendors_have_openais_ids() -> None:
    assert responses("groq/openai/v1")[0]["id"].startswith("resp_")


def test_xais_usage_counts_the_calls_of_its_tools() -> None:
    search = {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "x"}}
    dialect, request = route_request("/xai/v1/responses", {"model": "m", "input": "hi"})
    assert isinstance(dialect, VendorResponses)
    parts = (NativePart("openai", search), NativePart("openai", search), Text(("Hi",)))
    usage = payload(dialect.encode_body(Reply((Choice(parts),)), request, IDENTITY))["usage"]
    assert usage["num_server_side_tools_used"] == 2
    counts = usage["server_side_tool_usage_details"]
    assert (counts["web_search_calls"], sum(counts.values()), len(counts)) == (2, 2, 7)
    assert "server_side_tool_usage_details" not in responses("xai/v1")[0]["usage"]
