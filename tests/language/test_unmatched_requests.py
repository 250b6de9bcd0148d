"""Requests that no rule matches: the error of the provider, near misses and hints."""

from __future__ import annotations

from tests.language.virtual_server import (
    ClientRequest,
    cases,
    chat_request,
    claude_request,
    models_request,
    raw_request,
    respond_all,
    respond_once,
)

NO_MODEL = raw_request("/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}]})


def test_miss_is_404_of_provider() -> None:
    for sent, kind in ((chat_request(), "invalid_request_error"), (claude_request(), "not_found_error")):
        response = respond_once("rules: [{match: {user: no}, reply: x}]", sent)
        assert (response.status, response.rule, response.planned.unmatched) == (404, None, True)
        assert response.json["error"]["type"] == kind


def test_miss_lists_three_near_misses() -> None:
    responses = respond_once(
        """
        rules:
          - {name: far, match: {user: bye, model: claude, stream: true, system: s}, reply: x}
          - {name: near, match: {model: gpt-4, user: hi}, reply: x}
          - {name: also, match: {model: gpt-4o, user: bye}, reply: x}
          - {name: third, match: {model: gpt-4o, user: bye, stream: true}, reply: x}
        """
    )
    lines = responses.message.split("\n")
    assert lines[0] == "No rule matched this request."
    assert lines[1].startswith('s/a.yaml:4 near: model expected "gpt-4", found "gpt-4o" (')
    assert "s/a.yaml:5 also:" in lines[2]
    assert "s/a.yaml:6 third:" in lines[3]
    assert "far" not in responses.message


def test_miss_hints_at_spelling() -> None:
    responses = respond_once("rules: [{match: {user: Hello}, reply: x}]", chat_request("hello"))
    assert 'user expected "Hello", found "hello" (' in responses.message


def test_miss_without_rules_states_it() -> None:
    assert "no rules are loaded" in respond_once("rules: []").message


ASIDE: list[tuple[str, str, list[ClientRequest], str]] = [
    (
        "used up",
        "times: 1",
        [chat_request(), chat_request()],
        "s/a.yaml:1 it: matched, but used up (times: 1)",
    ),
    (
        "used up by its steps",
        "sequence: [a, b], then: fall_through",
        [chat_request()] * 3,
        "s/a.yaml:1 it: matched, but its sequence has ended",
    ),
    (
        "used up before the end of its steps",
        "times: 1, sequence: [a, b], then: fall_through",
        [chat_request()] * 2,
        "s/a.yaml:1 it: matched, but used up (times: 1)",
    ),
    (
        "without a weight",
        "choose: [{weight: 0, reply: a}]",
        [chat_request()],
        "s/a.yaml:1 it: matched, but all its weights are 0",
    ),
    ("lost its chance", "chance: 0.5%", [chat_request()], "s/a.yaml:1 it: matched, but lost its 0.5% chance"),
    ("skipped", "skip: 3", [chat_request()], "s/a.yaml:1 it: matched, but still skipped (skip: 3)"),
    (
        "not its turn",
        "every: 3",
        [chat_request()],
        "s/a.yaml:1 it: matched, but it is not its turn (every: 3)",
    ),
    (
        "its sequence has ended",
        "sequence: [a], then: error",
        [chat_request()] * 2,
        "s/a.yaml:1 it: matched, but its sequence has ended",
    ),
]


@cases("guard, sent, expected_message", ASIDE)
def test_miss_states_guard_of_matching_rule(
    guard: str, sent: list[ClientRequest], expected_message: str
) -> None:
    answer = "" if "sequence" in guard or "choose" in guard else ", reply: x"
    responses = respond_all(f"rules: [{{name: it, {guard}{answer}}}]", *sent)[-1]
    assert responses.status == 404
    assert expected_message in responses.message.split("\n")


def test_miss_without_packs_suggests_default_pack() -> None:
    assert "use: [default]" in respond_once("rules: []").message
    packed = {
        "a.yaml": "use: [./p]",
        "p/pack.yaml": 'name: p\nversion: "1"',
        "p/a.yaml": "rules: [{match: {user: no}, reply: x}]",
    }
    assert "use:" not in respond_once(packed).message


def test_invalid_miss_is_4xx_of_provider() -> None:
    response = respond_once("rules: []", NO_MODEL)
    assert (response.status, response.planned.unmatched) == (400, False)


def test_miss_has_settings_of_modifiers() -> None:
    response = respond_once("rules: []\nmodifiers: [{delay: 2s, headers: {x-m: '{{ user }}'}}]")
    assert (response.status, response.delay, response.headers["x-m"]) == (404, 2.0, "hi")


def test_non_generating_call_is_served_by_dialect() -> None:
    responses = respond_once(
        "rules: [{match: {model: gpt-mine}, reply: x}, {match: {model: 'gpt-*'}, reply: x}]", models_request()
    )
    assert responses.status == 200
    assert "gpt-mine" in [each["id"] for each in responses.json["data"]]
    assert "gpt-*" not in responses.bytes.decode()


def test_other_method_is_405_with_allowed_methods() -> None:
    response = respond_once("rules: [{reply: x}]", raw_request("/v1/chat/completions", method="PUT"))
    assert (response.status, response.headers["allow"]) == (405, "GET, POST")
