"""`extras` of rules and modifiers: fields added to whatever responds."""

from __future__ import annotations

import json

from tests.language.virtual_server import (
    chat_request,
    claude_request,
    diagnostics_of,
    models_request,
    respond_all,
    respond_once,
)

MODIFIER = 'modifiers: [{extras: [{at: "$.choices[].message", fields: {audio: null}}, {fields: {cost: 1}}]}]'


def test_extras_of_a_modifier_are_in_every_body() -> None:
    for rule in (
        "rules: [{reply: x}]",
        'rules: [{reply: "{{ user }}"}]',
        "rules: [{http: {body: {a: 1}}}]",
    ):
        for _ in range(3):
            assert respond_once(f"{rule}\n{MODIFIER}").json["cost"] == 1
    answers = respond_all(f"rules: [{{reply: x}}]\n{MODIFIER}", *[chat_request()] * 4)
    assert [answer.json["choices"][0]["message"]["audio"] for answer in answers] == [None] * 4


def test_extras_are_in_responses_without_a_rule() -> None:
    assert respond_once(f"rules: []\n{MODIFIER}", models_request()).json["cost"] == 1


def test_extras_are_not_in_errors() -> None:
    assert "cost" not in respond_once(f"rules: [{{error: overloaded}}]\n{MODIFIER}").json
    yaml = f"rules: [{{reply: {{chunks: [a, {{error: overloaded}}]}}}}]\n{MODIFIER}"
    costs = ["cost" in event.json for event in respond_once(yaml, chat_request(stream=True)).events]
    assert costs == [True, True, False]


def test_events_of_a_stream_are_selected_by_name() -> None:
    yaml = "rules: [{reply: a b, extras: [{events: [message_start], at: $.message, fields: {tier: x}}]}]"
    events = respond_once(yaml, claude_request(stream=True)).events
    assert [event.name for event in events if '"tier":"x"' in event.data] == ["message_start"]


def test_extras_are_the_same_from_first_to_cached_stream() -> None:
    yaml = 'rules: [{reply: a b}]\nmodifiers: [{extras: [{at: "$.choices[].delta", fields: {audio: 1}}]}]'
    for answer in respond_all(yaml, *[chat_request(stream=True)] * 4):
        deltas = [choice["delta"] for event in answer.events[:-1] for choice in event.json["choices"]]
        assert deltas
        assert all(delta["audio"] == 1 for delta in deltas)


def test_fields_of_rule_and_modifier_are_both_added() -> None:
    yaml = "rules: [{reply: x, extras: [{fields: {a: 1, b: 1}}]}]\nmodifiers: [{extras: [{fields: {b: 2, c: 2}}]}]"
    body = respond_once(yaml).json
    assert {name: body[name] for name in "abc"} == {"a": 1, "b": 1, "c": 2}
    assert json.loads(respond_once(yaml).bytes) == body


def test_without_removes_members_of_body_and_events() -> None:
    yaml = 'rules: [{reply: a b, extras: [{at: "$.choices[]", without: [index, logprobs]}]}]'
    (choice,) = respond_once(yaml).json["choices"]
    assert sorted(choice) == ["finish_reason", "message"]
    events = respond_once(yaml, chat_request(stream=True)).events[:-1]
    assert all(
        choice.keys() == {"delta", "finish_reason"} for event in events for choice in event.json["choices"]
    )


def test_without_beside_fields_replaces_a_member() -> None:
    yaml = "rules: [{reply: x, extras: [{without: [object], fields: {object: mine}}]}]"
    assert respond_once(yaml).json["object"] == "mine"


def test_without_is_not_for_errors() -> None:
    yaml = "rules: [{error: overloaded, extras: [{at: $.error, without: [code]}]}]"
    assert "code" in respond_once(yaml).json["error"]


def test_extras_that_change_nothing_are_a_mistake() -> None:
    (mistake,) = diagnostics_of("rules: [{reply: x, extras: [{at: $.usage}]}]")
    assert mistake.endswith("extras[0]: needs fields or without")


def test_place_that_is_no_path_is_a_mistake() -> None:
    (mistake,) = diagnostics_of("rules: [{reply: x, extras: [{at: choices, fields: {a: 1}}]}]")
    assert 'expected a path such as $.choices[].message, found "choices"' in mistake
