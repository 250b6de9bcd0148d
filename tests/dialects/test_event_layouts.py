"""The remaining faults of form, in every protocol that has the place: roles, usage, chunks, events."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dialects.event_layouts import (
    CALLS,
    FINISH,
    TEXT,
    TEXTS,
    USAGE,
    kept,
    plain,
    played,
    protocols,
    text_at,
)
from tests.wire_events import WireEvents, wire_events

# --- roles, usage ------------------------------------------------------------------------------------


@protocols
def test_role_that_never_comes(call: str) -> None:
    found = played(call, "role", at="never")
    if call == "openai-completions":
        assert "no event has a role" in found.notes
    else:
        assert b'"role"' not in found.body or call == "openai-responses"
        assert not kept(call, found)


def test_role_comes_in_every_chunk() -> None:
    found = played("openai-chat", "role")
    assert found.column("choices.0.delta.role") == ["assistant"] * 3


@pytest.mark.parametrize("call", USAGE)
def test_usage_in_every_event(call: str) -> None:
    counts = played(call, "usage", at="every").column(USAGE[call])
    assert all(count == counts[0] for count in counts)
    assert isinstance(counts[0], dict)


@pytest.mark.parametrize("call", USAGE)
def test_usage_in_first_event(call: str) -> None:
    found = played(call, "usage", at="first")
    assert isinstance(found.column(USAGE[call])[0], dict)
    assert not any(found.column(USAGE[call])[1:])
    assert len([usage for usage in found.column("usage") if usage]) == (
        call in ("openai-chat", "openai-completions")
    )


@pytest.mark.parametrize("call", USAGE)
def test_usage_in_event_with_finish_reason(call: str) -> None:
    found = played(call, "usage", at="finish")
    if call == "openai-responses":
        assert "it is there already" in found.notes
        return
    (event,) = [event for event in found.json if event and (event.get("usage") or event.get("usageMetadata"))]
    assert next(iter(WireEvents([], [event], b"", "", 200, {}).column(FINISH[call])))


def test_usage_without_an_end_has_no_place() -> None:
    rule = {"reply": TEXT, "faults": ["no_finish", {"usage": {"at": "finish"}}]}
    found = wire_events("openai-chat", rule)
    assert "the event with the finish reason has no place for it" in found.notes


def test_usage_with_one_place_stays() -> None:
    assert "one event only has a place for it" in played("bedrock-converse", "usage").notes


def test_usage_that_is_in_its_place_is_reported() -> None:
    rule = {"reply": TEXT, "pace": {"itl": "1s"}, "faults": [{"usage": {"at": "first"}}] * 2}
    assert "usage not applied: it is there already" in wire_events("openai-responses", rule).notes


def test_usage_that_the_client_did_not_ask_for() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    found = wire_events("openai-chat", {"reply": TEXT, "faults": ["usage"]}, body=body)
    assert "the response does not show it" in found.notes


# --- chunks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["null_text", "empty_text", "no_delta"])
@protocols
def test_empty_chunk_has_form(call: str, form: str) -> None:
    found = played(call, "empty_chunk", form=form, after={"chunks": 1})
    before = plain(call)
    if form == "no_delta" and call == "openai-completions":
        assert "no chunk has a place for no_delta" in found.notes
        return
    assert len(found.json) == len(before.json) + 1
    place = next(n for n, event in enumerate(before.json) if text_at(event, TEXTS[call]) == "one") + 1
    assert (
        text_at(found.json[place], TEXTS[call])
        == {"null_text": None, "empty_text": "", "no_delta": None}[form]
    )
    assert found.names[place] == before.names[place - 1]
    if form == "no_delta":
        assert WireEvents([], [found.json[place]], b"", "", 200, {}).column(TEXTS[call]) == []


@pytest.mark.parametrize("call", ["openai-chat", "openai-completions", "gemini-generate"])
def test_empty_chunk_without_choices(call: str) -> None:
    found = played(call, "empty_chunk", after={"chunks": 0})
    choices = "candidates" if call == "gemini-generate" else "choices"
    assert [] in found.column(choices)[:2]


def test_empty_chunk_needs_a_place_and_a_text() -> None:
    found = played("openai-chat", "empty_chunk", after={"chunks": 9})
    assert "the response has only 2 chunks" in found.notes
    found = played("openai-chat", "empty_chunk", CALLS, after={"chunks": 0})
    assert "the response has no chunk of a text" in found.notes


@pytest.mark.parametrize(
    ("model", "text", "reason"),
    [
        ("amazon.titan-text-express-v1", "outputText", "completionReason"),
        ("meta.llama3-8b-instruct-v1:0", "generation", "stop_reason"),
        ("mistral.mistral-7b-instruct-v0:2", "outputs.0.text", "outputs.0.stop_reason"),
        ("cohere.command-text-v14", "text", "finish_reason"),
    ],
)
def test_bodies_of_bedrock_makers_have_forms(model: str, text: str, reason: str) -> None:
    body = {"prompt": "hi", "inputText": "hi"}
    rule = {
        "reply": TEXT,
        "faults": [{"empty_chunk": {"form": "null_text", "after": {"chunks": 1}}}, "finish"],
    }
    found = invoked(model, body, rule)
    assert found.column(text)[:3] == ["one", None, "two"]
    assert len([value for value in found.column(reason) if value]) == 2
    hollow = invoked(model, body, {"reply": TEXT, "faults": ["empty_chunk"]})
    assert ("no chunk has a place for no_choices" in hollow.notes) == ("mistral" not in model)


def test_nova_body_has_places_inside_its_events() -> None:
    body = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
    rule = {"reply": CALLS, "faults": [{"tool_call_chunks": {"id": "empty", "index": "wrong"}}]}
    found = invoked("amazon.nova-lite-v1:0", body, rule)
    assert found.column("contentBlockStart.start.toolUse.toolUseId") == ["", ""]
    assert set(found.column("contentBlockStop.contentBlockIndex")) == {0}


def invoked(model: str, body: dict[str, Any], rule: dict[str, Any]) -> WireEvents:
    """What InvokeModel streams for a model."""
    return wire_events("bedrock-invoke", rule, path=f"/model/{model}/invoke-with-response-stream", body=body)


# --- events ------------------------------------------------------------------------------------------


def test_event_names_are_missing_or_wrong() -> None:
    assert set(played("anthropic-messages", "event_names").names) == {None}
    wrong = played("anthropic-messages", "event_names", how="wrong")
    assert wrong.names.count("message_start") == 3
    named = played("openai-chat", "event_names", how="wrong", name="message")
    assert named.names.count("message") == 2


@pytest.mark.parametrize(
    ("call", "settings", "reason"),
    [
        ("openai-chat", {}, "its events have no names"),
        ("openai-chat", {"how": "wrong"}, "its events have no names"),
        ("bedrock-converse", {}, "its framing has no names of events"),
    ],
)
def test_event_names_that_are_not_there(call: str, settings: dict[str, Any], reason: str) -> None:
    assert reason in played(call, "event_names", **settings).notes


def test_merged_events_are_one() -> None:
    found = played("openai-chat", "merged_events")
    assert found.json.count(None) == 2
    assert b"}data: {" not in found.body
    two = played("openai-chat", "merged_events", how="two_lines")
    assert two.body.count(b"\n\n") == plain("openai-chat").body.count(b"\n\n") - 1
    assert two.body.count(b"\ndata: {") == plain("openai-chat").body.count(b"\ndata: {")


@pytest.mark.parametrize(
    ("call", "settings", "reason"),
    [
        ("ollama-native_chat", {"how": "two_lines"}, "only server-sent events have lines of data"),
        ("openai-chat", {"at": {"chunk": 9}}, "the response has only 2 chunks"),
    ],
)
def test_merged_events_that_cannot_be(call: str, settings: dict[str, Any], reason: str) -> None:
    assert reason in played(call, "merged_events", **settings).notes


def test_merged_events_need_a_following_one() -> None:
    rule = {"reply": {"chunks": ["one"]}, "faults": ["no_finish", "merged_events"]}
    assert "no event follows chunk 1" in wire_events("ollama-native_chat", rule).notes


@pytest.mark.parametrize("call", ["openai-chat", "openai-completions", "groq-chat"])
def test_error_in_chunk_is_beside_finish_reason(call: str) -> None:
    found = played(call, "error_event", form="in_chunk", after={"chunks": 1})
    last = found.json[-1]
    assert last["choices"][0]["finish_reason"] == "error"
    assert last["error"]["message"]
    assert last["id"] == found.json[0]["id"]
    assert not found.notes


@pytest.mark.parametrize("call", ["anthropic-messages", "gemini-generate", "openai-responses"])
def test_error_in_chunk_needs_chunks(call: str) -> None:
    found = played(call, "error_event", form="in_chunk")
    assert "in_chunk left out" in found.notes
    assert found.body == played(call, "error_event").body


def test_openrouter_has_errors_in_chunks() -> None:
    found = wire_events("openrouter-chat", {"reply": TEXT, "faults": ["error_event"]})
    assert found.json[-1]["choices"][0]["finish_reason"] == "error"
    assert "error" in found.json[-1]


ONE_ERROR_EVENT = [("openai-chat", 1), ("anthropic-messages", 1), ("bedrock-converse", 1)]


@pytest.mark.parametrize(("call", "count"), [*ONE_ERROR_EVENT, ("openai-responses", 2)])
def test_error_after_no_event_is_the_first_one(call: str, count: int) -> None:
    middle = played(call, "error_event", after={"chunks": 1})
    first = played(call, "error_event", after={"events": 0})
    assert [event.keys() for event in first.json] == [event.keys() for event in middle.json[-count:]]
    assert not first.notes


def test_error_of_gemini_is_the_first_one() -> None:
    assert played("gemini-generate", "error_event", after={"events": 0}).body.startswith(b'{\n  "error": {')


def test_error_after_one_event_follows_the_first() -> None:
    found = played("anthropic-messages", "error_event", after={"events": 1})
    assert [event["type"] for event in found.json] == ["message_start", "error"]


# --- other responses ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["finish", "tool_call_chunks", "role"])
def test_form_faults_need_a_streamed_reply(fault: str) -> None:
    whole = wire_events("openai-chat", {"reply": TEXT, "faults": [fault]}, stream=False)
    assert f"{fault} not applied: the response is not streamed" in whole.notes
    error = wire_events("openai-chat", {"error": "overloaded", "faults": [fault]})
    assert f"{fault} not applied: the response is not streamed" in error.notes
    silent = wire_events("openai-chat", {"reply": TEXT, "faults": [{"no_response": {}}, fault]})
    assert f"{fault} not applied: no byte of the response is sent" in silent.notes


def test_form_fault_leaves_broken_events_alone() -> None:
    rule = {
        "reply": TEXT,
        "faults": [{"malformed": {"data": "[1]", "then": "go_on"}}, {"role": {"at": "every"}}],
    }
    found = wire_events("openai-chat", rule)
    assert [1] in found.json
    assert found.column("choices.0.delta.role") == ["assistant"] * 2


# --- events without a place --------------------------------------------------------------------------


def test_blocked_gemini_chunk_has_no_role() -> None:
    rule = {"reply": {"chunks": ["one", {"error": "content_filter"}]}, "faults": [{"role": {"at": "never"}}]}
    found = wire_events("gemini-generate", rule)
    assert found.column("candidates.0.content") == [{"parts": [{"text": "one"}]}]
    assert found.column("candidates.0.finishReason") == ["SAFETY"]


def test_gemini_call_is_no_chunk_of_a_text() -> None:
    found = played("gemini-generate", "empty_chunk", CALLS, form="null_text")
    assert "the response has no chunk of a text" in found.notes
    assert kept("gemini-generate", found, CALLS)


def generated(fault: str, **settings: Any) -> WireEvents:
    """What /api/generate of Ollama streams with one fault."""
    rule = {"reply": TEXT, "faults": [{fault: settings}]}
    return wire_events("ollama-native_chat", rule, path="/api/generate", body={"model": "m", "prompt": "hi"})


def test_ollama_generate_has_texts_and_no_role() -> None:
    assert "no event has a role" in generated("role", at="never").notes
    found = generated("empty_chunk", form="null_text", after={"chunks": 1})
    assert found.column("response") == ["one", None, "two", ""]
    hollow = generated("empty_chunk", form="no_delta", after={"chunks": 1})
    assert hollow.column("response") == ["one", "two", ""]


def test_ollama_error_line_ends_nothing() -> None:
    rule = {"reply": {"chunks": ["one", {"error": "overloaded"}]}, "faults": ["finish"]}
    found = wire_events("ollama-native_chat", rule)
    assert "finish not applied: the response has no finish reason" in found.notes
    assert list(found.json[-1]) == ["error"]
