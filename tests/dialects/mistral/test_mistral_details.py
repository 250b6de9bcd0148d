"""The `detail` of Mistral's refusals of a body's form. Recorded in February 2026: tools, and the headers."""

from __future__ import annotations

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from tests.dialects.vendors.test_vendor_calls import IDENTITY, payload, route_request

MISTRAL = "/mistral/v1/chat/completions"
USER: Json = {"role": "user", "content": "hi"}
SEARCH: Json = {"type": "web_search"}
NO_NAME: Json = {"type": "string_type", "msg": "Input should be a valid string"}


def details(fields: dict[str, Json], call: str = "chat/completions") -> list[Json]:
    dialect, request = route_request(f"/mistral/v1/{call}", fields)
    failure = dialect.check(request)
    assert failure is not None
    plan = dialect.error(failure, request, IDENTITY)
    assert plan.head.status == 422
    body = payload(plan)
    assert list(body) == ["detail"]
    result: list[Json] = body["detail"]
    return result


def chat(**fields: Json) -> dict[str, Json]:
    return {"model": "m", "messages": [USER], **fields}


def test_a_tool_of_another_type_has_three_entries() -> None:
    enum, absent, name = details(chat(tools=[SEARCH]))
    assert enum == {
        "type": "enum",
        "loc": ["body", "tools", "list[Tool]", 0, "type"],
        "msg": "Input should be 'function'",
        "input": "web_search",
        "ctx": {"expected": "'function'"},
    }
    assert absent == {
        "type": "missing",
        "loc": ["body", "tools", "list[Tool]", 0, "function"],
        "msg": "Field required",
        "input": SEARCH,
    }
    assert name == {**NO_NAME, "loc": ["body", "tools", "list[str]", 0], "input": SEARCH}


def test_a_tool_of_another_type_may_have_a_function() -> None:
    tool: Json = {"type": "custom", "function": {"name": "f"}}
    assert [entry["type"] for entry in details(chat(tools=[{"function": {"name": "f"}}, tool]))] == [
        "enum",
        "string_type",
    ]


@pytest.mark.parametrize(
    ("fields", "place", "kind", "value"),
    [
        ({"messages": [USER]}, ["model"], "missing", {"messages": [USER]}),
        ({"model": "m"}, ["messages"], "missing", {"model": "m"}),
        ({"model": 1, "messages": [USER]}, ["model"], "string_type", 1),
        (chat(messages="hi"), ["messages"], "list_type", "hi"),
        (chat(messages=[{"content": "x"}]), ["messages", 0, "role"], "missing", {"content": "x"}),
        (chat(messages=[{"role": "boss"}]), ["messages", 0, "role"], "enum", "boss"),
        (chat(temperature=9), ["temperature"], "less_than_equal", 9),
        (chat(max_tokens="x"), ["max_tokens"], "int_type", "x"),
        (chat(tools={}), ["tools"], "list_type", {}),
        (chat(response_format=1), ["response_format"], "model_attributes_type", 1),
    ],
)
def test_an_entry_has_the_place_and_the_value(
    fields: dict[str, Json], place: list[Json], kind: str, value: Json
) -> None:
    (entry,) = details(fields)
    assert (entry["type"], entry["input"]) == (kind, value)
    assert entry["loc"] == ["body", *place]


def test_a_place_in_a_message_has_its_role() -> None:
    (entry,) = details(chat(messages=[{"role": "user", "content": [{"type": "text", "text": 1}]}]))
    assert entry["loc"] == ["body", "messages", 0, "user", "content", 0, "text"]


def test_the_refusal_has_no_headers_of_limits() -> None:
    dialect, request = route_request(MISTRAL, chat(tools=[SEARCH]))
    failure = dialect.check(request)
    assert failure is not None
    head = dialect.error(failure, request, IDENTITY).head
    assert {name for name, _ in head.per_response_headers} == {"mistral-correlation-id", "x-kong-request-id"}


@pytest.mark.parametrize("fields", [{"tool_choice": "any"}, {"stop": ["a"] * 9}])
def test_other_refusals_are_a_400(fields: dict[str, Json]) -> None:
    dialect, request = route_request(MISTRAL, chat(**fields))
    failure = dialect.check(request)
    assert failure is not None
    assert payload(dialect.error(failure, request, IDENTITY))["raw_status_code"] == 400


def test_an_error_with_this_status_has_one_entry() -> None:
    dialect, request = route_request(MISTRAL, chat())
    plan = dialect.error(Failure("bad_request", 422, "wrong"), request, IDENTITY)
    whole = {"type": "value_error", "loc": ["body"], "msg": "wrong", "input": None}
    assert payload(plan) == {"detail": [whole]}
    decoded = dialect.decode(plan)  # type: ignore[attr-defined]
    assert decoded.error["message"] == "wrong"
