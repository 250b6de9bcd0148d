"""`extras`: merged deep, in the events of streams by name, and refused where the server writes the member itself."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.merge import merged_json
from mockllm.dialects.provider_facts import WRITTEN_MEMBERS
from mockllm.dialects.providers import GENERATING_CALLS
from mockllm.engine.known_names import KNOWN_NAMES
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from tests.language.virtual_server import cases
from tests.wire_events import PROTOCOLS, WireEvents, wire_events


@cases(
    "base, more, merged",
    [
        ("objects", {"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ("lists of objects", [{"a": 1}, {"b": 2}], [{"c": 3}], [{"a": 1, "c": 3}, {"b": 2}]),
        ("a longer list", [{"a": 1}], [{"b": 2}, {"c": 3}], [{"a": 1, "b": 2}, {"c": 3}]),
        ("other lists", [1, 2], [3], [3]),
        ("a value", {"a": [1]}, {"a": None}, {"a": None}),
        ("new members last", {"a": 1}, {"b": {"c": 1}}, {"a": 1, "b": {"c": 1}}),
    ],
)
def test_json_is_merged_deep(base: Any, more: Any, merged: Any) -> None:
    assert merged_json(base, more) == merged
    assert list(merged_json({"x": 1, "y": 2}, {"y": 3, "z": 4})) == ["x", "y", "z"]


DEEP: dict[str, tuple[dict[str, Any], str]] = {
    "openai-chat": ({"openai": {"choices": [{"message": {"seen": 1}}]}}, "choices.0.message.seen"),
    "openai-completions": ({"openai": {"choices": [{"seen": 1}]}}, "choices.0.seen"),
    "openai-responses": ({"openai": {"text": {"seen": 1}}}, "text.seen"),
    "anthropic-messages": ({"anthropic": {"usage": {"cache_creation": {"seen": 1}}}}, "usage.cache_creation.seen"),
    "gemini-generate": ({"gemini": {"candidates": [{"a": {"seen": 1}}]}}, "candidates.0.a.seen"),
    "bedrock-converse": ({"bedrock": {"metrics": {"seen": 1}}}, "metrics.seen"),
    "ollama-native_chat": ({"ollama": {"message": {"seen": 1}}}, "message.seen"),
    "cohere-chat": ({"cohere": {"usage": {"billed_units": {"seen": 1}}}}, "usage.billed_units.seen"),
    "groq-chat": ({"openai": {"choices": [{"message": {"seen": 1}}]}}, "choices.0.message.seen"),
}  # fmt: skip


@pytest.mark.parametrize("call", DEEP)
def test_extras_are_merged_into_the_body(call: str) -> None:
    extras, path = DEEP[call]
    found = wire_events(call, {"reply": {"text": "Hi.", "extras": extras}}, stream=False)
    assert found.column(path) == [1]
    assert b"Hi." in found.body


def test_usage_of_extras_is_merged() -> None:
    extras = {"openai": {"usage": {"prompt_tokens_details": {"seen": 1}}}}
    usage = wire_events("groq-chat", {"reply": {"text": "Hi.", "extras": extras}}, stream=False).json[0][
        "usage"
    ]
    assert usage["prompt_tokens_details"]["seen"] == 1
    assert usage["completion_tokens"] == 2


@pytest.mark.parametrize("stream", [False, True])
def test_usage_of_extras_is_left_out_with_the_usage(stream: bool) -> None:
    """The fault follows the extras: they leave no usage where it leaves none."""
    extras = {"cohere": {"usage": {"billed_units": {"seen": 1}}}}
    rule = {"reply": {"text": "Hi.", "extras": extras}}
    body = wire_events("cohere-chat", rule, stream=stream).body
    assert b'"seen":1' in body
    assert b'"cached_tokens":0' in body
    found = wire_events("cohere-chat", {**rule, "faults": ["no_usage"]}, stream=stream)
    assert b"usage" not in found.body
    assert not found.notes


@pytest.mark.parametrize(
    "call", ["openai-responses", "xai-responses", "openrouter-responses", "deepseek-responses"]
)
def test_reasoning_of_extras_is_in_each_response_of_a_stream(call: str) -> None:
    extras = {"openai": {"reasoning": {"seen": {"deep": 1}, "effort": "high"}}}
    found = wire_events(call, {"reply": {"text": "Hi.", "extras": extras}})
    responses = found.column("response.reasoning")
    assert len(responses) >= 2
    assert all(each["seen"] == {"deep": 1} and each["effort"] == "high" for each in responses)
    has_defaults = (
        call != "openrouter-responses"
    )  # OpenRouter's settings of the reasoning are those of the request
    assert all(("summary" in each) is has_defaults for each in responses)


EVENTS: dict[str, tuple[str, str]] = {
    "openai-chat": ("openai", "finish"),
    "openai-completions": ("openai", "finish"),
    "openai-responses": ("openai", "response.completed"),
    "anthropic-messages": ("anthropic", "message_delta"),
    "gemini-generate": ("gemini", "chunk"),
    "bedrock-converse": ("bedrock", "messageStop"),
    "bedrock-invoke": ("anthropic", "message_delta"),
    "ollama-native_chat": ("ollama", "finish"),
    "cohere-chat": ("cohere", "message-end"),
}


def extended(call: str, dialect: str, name: str, **more: Any) -> WireEvents:
    extras = {dialect: {"events": {name: {"seen": {"deep": 1}}}}}
    return wire_events(call, {"reply": {"text": "Hi.", "extras": extras}, **more})


@pytest.mark.parametrize("call", PROTOCOLS)
def test_extras_of_events_are_merged_by_name(call: str) -> None:
    dialect, name = EVENTS[call]
    if call == "bedrock-invoke":
        dialect = "bedrock"
    found = extended(call, dialect, name)
    assert found.column("seen.deep") == [1] * (2 if name == "chunk" else 1)
    assert not found.notes
    other = wire_events(call, {"reply": {"text": "Hi.", "extras": {dialect: {"events": {name: {}}}}}})
    assert found.names == other.names


def test_event_that_is_not_there_is_noted_once() -> None:
    found = extended("anthropic-messages", "anthropic", "message_end", faults=["no_usage"])
    assert found.notes == "extras left out: the stream has no event message_end"


def test_events_are_no_member_of_a_body() -> None:
    extras = {"openai": {"events": {"chunk": {"seen": 1}}, "x": 1}, "gemini": {"y": 1}}
    found = wire_events("openai-chat", {"reply": {"text": "Hi.", "extras": extras}}, stream=False)
    assert (found.column("x"), found.column("events"), found.column("seen")) == ([1], [], [])


def test_templates_of_extras_reach_events() -> None:
    extras = {"openai": {"events": {"chunk": {"seen": "{{ user }}"}}}}
    found = wire_events("openai-chat", {"reply": {"text": "Hi.", "extras": extras}})
    assert set(found.column("seen")) == {"hi"}


def mistakes(extras: str, tmp_path: Any) -> list[str]:
    (tmp_path / "a.yaml").write_text(f"rules: [{{reply: {{text: a, extras: {extras}}}}}]")
    return [
        str(found)
        for found in load_scenarios(ScenarioSources([str(tmp_path)], known_names=KNOWN_NAMES)).diagnostics
    ]


@cases(
    "extras, message",
    [
        (
            "a finish reason",
            "{gemini: {candidates: [{finishReason: X}]}}",
            "gemini.candidates.0.finishReason is written from the reply; write finish_reason: {raw: …} there",
        ),
        ("a stop reason", "{anthropic: {stop_reason: pause_turn}}", "write finish_reason: {raw: …} there"),
        ("content", "{ollama: {message: {content: x}}}", "write text there"),
        ("a block", "{cohere: {message: {content: []}}}", "write parts or text there"),
        ("a count", "{bedrock: {usage: {inputTokens: 1}}}", "write usage: {input_tokens: …} there"),
        (
            "a delta",
            "{openai: {choices: [{delta: {}}]}}",
            "write events: {chunk: {choices: [{delta: …}]}} there",
        ),
        (
            "an empty list",
            "{gemini: {candidates: []}}",
            "gemini.candidates has members that are written from the reply; add others, such as [{member: 1}], "
            "or write http for a body of your own",
        ),
        ("null", "{openai: {choices: null}}", "openai.choices has members"),
        ("null in a list", "{openai: {choices: [null]}}", "openai.choices.0 has members"),
        ("a text", "{openai: {choices: [{message: gone}]}}", "openai.choices.0.message has members"),
        ("a number", "{anthropic: {usage: 5}}", "add others, such as {member: 1}"),
        ("an object for a list", "{openai: {choices: {a: 1}}}", "openai.choices has members"),
    ],
)
def test_member_that_the_server_writes_is_refused(extras: str, message: str, tmp_path: Any) -> None:
    (found,) = mistakes(extras, tmp_path)
    assert message in found


def test_all_members_that_the_server_writes_are_named(tmp_path: Any) -> None:
    (found,) = mistakes("{anthropic: {stop_reason: x}, openai: {model: y}}", tmp_path)
    assert "anthropic.stop_reason is written from the reply; write finish_reason: {raw: …} there" in found
    assert "openai.model is written from the reply; write model there" in found


def test_members_beside_written_ones_are_free(tmp_path: Any) -> None:
    extras = "{openai: {choices: [{message: {a: null}}], usage: '{{ user }}', b: []}}"
    assert mistakes(extras, tmp_path) == []


def test_members_of_events_are_free(tmp_path: Any) -> None:
    assert (
        mistakes("{anthropic: {events: {message_delta: {delta: {stop_reason: x}}}, fruit: 1}}", tmp_path)
        == []
    )
    assert "expected" in mistakes("[]", tmp_path)[0]


def test_every_protocol_has_written_members() -> None:
    protocols = {call.dialect.name for call in GENERATING_CALLS}
    assert protocols - set(WRITTEN_MEMBERS) == set(), (
        "write the members that the server writes from a reply: member_keys of the provider object"
    )


def test_extras_of_no_dialect_are_refused(tmp_path: Any) -> None:
    (found,) = mistakes("{opnai: {a: 1}}", tmp_path)
    assert "rules[0].reply.extras: the members are grouped by dialect; no dialect is called" in found
    assert 'did you mean "openai"?' in found


def test_extras_of_a_provider_name_its_dialect(tmp_path: Any) -> None:
    (found,) = mistakes("{groq: {a: 1}}", tmp_path)
    assert found.endswith("; that of groq is openai")
