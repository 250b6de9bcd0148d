"""Every fault of meaning in every protocol, streamed and non-streaming: the fields that each provider's client sees.

One reading of each protocol, and one table of results: the stream and the non-streaming response must have them.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.faults import FAULTS, NotApplicable, ReplyFault, ReplyFaultContext
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Choice, Reply, Text, ToolCall, Usage
from mockllm.core.request.request import Tool
from mockllm.core.request.response_parameters import Format
from mockllm.dialects.decoded_response import payloads
from mockllm.dialects.dialect import ReplyDialect
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.providers import GENERATING_CALLS
from tests.dialects.test_building_and_decoding import CALLS, IDENTITY, NAMES, requested
from tests.docs.meaning_forms import FORMS
from tests.faults.meaning_readers import ABSENT, READ, USAGE_MEMBERS, Fields
from tests.faults.meaning_table import SCHEMA, TABLE, alike

REPLIES = {
    "says": (Choice((Text(("Half", " said", " is", " said.")),)),),
    "looks": (Choice((ToolCall("look", ('{"city":', '"Paris"}')),), "tool_calls"),),
    "formed": (Choice((Text(('{"city":', '"Paris"}')),)),),
}
"""Those of the table, as the language's words become them."""
SAYS = Reply(REPLIES["says"], Usage(20, 8))

dialects = pytest.mark.parametrize(
    ("provider", "dialect"),
    [(call.provider, call.dialect) for call in GENERATING_CALLS],
    ids=[call.name for call in GENERATING_CALLS],
)
streaming = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def played(dialect: ReplyDialect, reported: str, name: str, *, stream: bool, **settings: Any) -> Plan:
    """What goes on the wire with the fault in it, as the engine plays it."""
    structured = Format("schema", "city", SCHEMA) if reported == "formed" else None
    wanted = NeutralRequest(
        tools=(Tool("look", SCHEMA),) if reported == "looks" else (), response_format=structured
    )
    request, reply = requested(dialect, replace(wanted, stream=stream)), Reply(REPLIES[reported], SAYS.usage)

    def plan(shown: Reply) -> Plan:
        return (dialect.encode_stream if stream else dialect.encode_body)(shown, request, IDENTITY)

    fault = FAULTS[name].model_validate(settings)
    assert isinstance(fault, ReplyFault)
    telling = ReplyFaultContext(request, stream, Random(0), plan)
    built = fault.apply_in_context(
        dialect.supported_reply(reply, request) if fault.applies_after_supported_reply else reply, telling
    )
    return plan(dialect.supported_reply(built, request))


def endpoint(dialect: ReplyDialect) -> str:
    return f"{dialect.name}-{dialect.api}"


def read(plan: Plan, endpoint: str) -> Fields:
    return READ[endpoint](list(payloads(plan)), plan.streamed)


@pytest.mark.parametrize("name", TABLE)
@streaming
@dialects
@pytest.mark.covering
def test_meaning_fault_has_expected_form(
    provider: str, dialect: ReplyDialect, stream: bool, name: str
) -> None:
    reported, fault, settings, forms = TABLE[name]
    protocol = endpoint(dialect)
    assert protocol in forms, f"add {protocol} to TABLE in tests/faults/meaning_table.py"
    schemaless = reported == "formed" and not dialect.capabilities.response_schema
    expected = None if schemaless else forms[protocol]
    if expected is None:
        with pytest.raises(NotApplicable):
            played(dialect, reported, fault, stream=stream, **settings)
        return
    plan = played(dialect, reported, fault, stream=stream, **settings)
    assert plan.head.status == 200
    seen = alike(provider, protocol, read(plan, protocol), stream=stream)
    fields = alike(provider, protocol, expected, stream=stream)
    assert {key: seen[key] for key in fields} == fields


def test_table_has_every_meaning_fault() -> None:
    kinds = {name for name, kind in FAULTS.items() if kind.family == "meaning"}
    assert {fault for _, fault, _, _ in TABLE.values()} | {"wrong_usage"} == kinds, (
        "add the fault to TABLE in tests/faults/meaning_table.py"
    )
    assert FORMS.keys() == kinds, "add the fault to FORMS in tests/docs/meaning_forms.py"


def test_table_has_every_protocol() -> None:
    protocols = {call.endpoint for call in GENERATING_CALLS}
    tables = {"_READ": set(READ), "_USAGE_MEMBERS": set(USAGE_MEMBERS)}
    tables |= {f"TABLE[{name!r}]": set(forms) for name, (*_, forms) in TABLE.items()}
    assert {name: rows ^ protocols for name, rows in tables.items() if rows != protocols} == {}


# --- counts --------------------------------------------------------------------------------------


@streaming
@dialects
def test_counts_do_not_add_up(provider: str, dialect: ReplyDialect, stream: bool) -> None:
    """Where a protocol reports a total it is the true one, and the output counts ten times."""
    plan = played(dialect, "says", "wrong_usage", stream=stream)
    counted = read(plan, endpoint(dialect))["usage"]
    read_in, written, total = USAGE_MEMBERS[endpoint(dialect)]
    assert (counted[read_in], counted[written]) == (20, 80)
    assert total is None or counted[total] == 28


@dialects
def test_invalid_arguments_are_sent_only_if_representable(provider: str, dialect: ReplyDialect) -> None:
    """A non-streaming response with arguments as JSON has those that are none as a text, or not at all."""
    if not dialect.capabilities.tool_calls:
        with pytest.raises(NotApplicable, match="the response calls no tool"):
            played(dialect, "looks", "bad_tool_arguments", stream=False)
        return
    seen = read(played(dialect, "looks", "bad_tool_arguments", stream=False), endpoint(dialect))
    reported = seen.get("calls") or [item[-2:] for item in seen.get("items", seen.get("blocks")) or ()]
    if not dialect.capabilities.invalid_arguments:
        assert reported == []
    else:
        with pytest.raises(JSONDecodeError):
            loads(reported[0][1])


# --- what single providers add -------------------------------------------------------------------


def one(provider: str, api: str) -> ReplyDialect:
    return CALLS[NAMES.index(f"{provider}-{api}")]


@streaming
def test_azure_filter_names_category(stream: bool) -> None:
    plan = played(one("azure", "chat"), "says", "content_filter", stream=stream, category="sexual")
    assert isinstance(plan, Plan)
    found = read(plan, "openai-chat")["filter"]
    assert found["sexual"] == {"filtered": True, "severity": "medium"}
    assert found["violence"] == {"filtered": False, "severity": "safe"}


@streaming
def test_azure_responses_filter_has_blocked_completion(stream: bool) -> None:
    plan = played(one("azure", "responses"), "says", "content_filter", stream=stream)
    assert isinstance(plan, Plan)
    *_, last = payloads(plan)
    prompt, completion = last.get("response", last)["content_filters"]
    assert (prompt["blocked"], completion["blocked"]) == (False, True)
    assert completion["content_filter_results"]["violence"]["filtered"] is True


@streaming
@pytest.mark.parametrize("provider", ["gemini", "vertex"])
@pytest.mark.parametrize(
    ("category", "blocked"),
    [
        ("hate", "HARM_CATEGORY_HATE_SPEECH"),
        ("sexual", "HARM_CATEGORY_SEXUALLY_EXPLICIT"),
        ("self_harm", "HARM_CATEGORY_DANGEROUS_CONTENT"),
    ],
)
def test_google_filter_rates_category(provider: str, category: str, blocked: str, stream: bool) -> None:
    plan = played(one(provider, "generate"), "says", "content_filter", stream=stream, category=category)
    assert isinstance(plan, Plan)
    ratings = read(plan, "gemini-generate")["ratings"]
    assert [rating["category"] for rating in ratings if rating.get("blocked")] == [blocked]


def test_google_s_last_chunk_of_a_filtered_stream_has_no_content() -> None:
    plan = played(one("gemini", "generate"), "says", "content_filter", stream=True)
    assert isinstance(plan, Plan)
    *_, last = payloads(plan)
    assert "content" not in last["candidates"][0]


def test_no_usage_applies_to_first_event_of_anthropic() -> None:
    plan = played(one("anthropic", "messages"), "says", "no_usage", stream=True)
    assert isinstance(plan, Plan)
    assert read(plan, "anthropic-messages")["first"] == ABSENT


@pytest.mark.parametrize(("how", "stated"), [("missing", [None]), ("null", [None, None])])
def test_openai_usage_chunk_is_missing_or_null_without_usage(how: str, stated: list[Json]) -> None:
    """All chunks before it say null, as they always do."""
    plan = played(one("openai", "chat"), "says", "no_usage", stream=True, how=how)
    assert isinstance(plan, Plan)
    assert [body["usage"] for body in payloads(plan)][5:] == stated


@pytest.mark.parametrize(("how", "stated"), [("missing", ABSENT), ("null", None)])
def test_no_usage_applies_to_x_groq_object(how: str, stated: Json) -> None:
    plan = played(one("groq", "chat"), "says", "no_usage", stream=True, how=how)
    assert isinstance(plan, Plan)
    own = [body["x_groq"] for body in payloads(plan) if "x_groq" in body]
    assert own[-1].get("usage", ABSENT) == stated


def test_no_usage_fault_without_requested_usage_does_not_apply() -> None:
    """No fault is reported where the reply would have been empty."""
    dialect = one("openai", "chat")
    request = dialect.request_class(
        method="POST", path="/", headers={}, raw=dumps({"model": "gpt-4o", "stream": True, "messages": []})
    )
    telling = ReplyFaultContext(
        request, True, Random(0), lambda reported: dialect.encode_stream(reported, request, IDENTITY)
    )
    fault = FAULTS["no_usage"]()
    assert isinstance(fault, ReplyFault)
    with pytest.raises(NotApplicable, match="the response does not show it"):
        fault.apply_in_context(SAYS, telling)
