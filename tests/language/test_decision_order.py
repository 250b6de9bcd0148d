"""The order of a decision: match, modifier errors, validation, counts, response."""

from __future__ import annotations

from typing import Any

import pytest

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

BROKEN = raw_request("/v1/chat/completions", b"{")
NO_MODEL = raw_request("/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}]})
HOT = chat_request(temperature=7)
CONTENTS: Any = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
OTHER: Any = {"model": "other", "messages": [{"role": "user", "content": "hi"}]}
OUTAGE = (
    "modifiers: [{name: outage, match: {query: {fail: {exists: true}}}, error: {status: '{{ query.fail }}'}}]"
)

ONCE = "rules: [{name: once, times: 1, reply: x}, {name: other, reply: y}]"


def test_modifier_error_replaces_response() -> None:
    response = respond_once(f"{ONCE}\n{OUTAGE}", chat_request(query="fail=503"))
    assert (response.status, response.planned.error, response.rule, response.modifiers) == (
        503,
        "unavailable",
        "outage",
        ["outage"],
    )


def test_modifier_error_without_rule() -> None:
    assert respond_once(f"rules: []\n{OUTAGE}", chat_request(query="fail=500")).status == 500
    response = respond_once(
        f"rules: [{{match: {{user: no}}, reply: x}}]\n{OUTAGE}", chat_request(query="fail=500")
    )
    assert (response.status, response.planned.unmatched) == (500, False)


@pytest.mark.parametrize("sent", [BROKEN, NO_MODEL, HOT], ids=["unreadable", "no model", "out of range"])
def test_modifier_error_precedes_validation(sent: ClientRequest) -> None:
    ill = ClientRequest(sent.path, sent.body, query="fail=503")
    assert respond_once(f"rules: [{{reply: x}}]\n{OUTAGE}", ill).status == 503


def test_modifier_error_on_non_generating_call() -> None:
    assert respond_once(OUTAGE, models_request(query="fail=503")).status == 503


def test_modifier_errors_first_is_used() -> None:
    two = "modifiers: [{error: overloaded}, {error: timeout, priority: 1}, {error: rate_limit}]"
    assert respond_once(f"rules: [{{reply: x}}]\n{two}").planned.error == "timeout"


# --- validation ----------------------------------------------------------------------------------

VALIDATION: list[tuple[str, str, ClientRequest, int]] = [
    ("strict is the default", "", HOT, 400),
    ("strict refuses unreadable JSON", "validation: strict", BROKEN, 400),
    ("strict refuses a missing model", "validation: strict", NO_MODEL, 400),
    ("strict refuses what is out of range", "validation: strict", HOT, 400),
    ("strict takes any model name", "validation: strict", chat_request(model="no-such-model"), 200),
    ("strict takes any key, and none", "validation: strict", chat_request(key="nonsense"), 200),
    ("strict accepts unknown fields", "validation: strict", chat_request(brand_new_field=1), 200),
    ("lenient refuses unreadable JSON", "validation: lenient", BROKEN, 400),
    ("lenient lets a missing model pass", "validation: lenient", NO_MODEL, 200),
    ("lenient lets what is out of range pass", "validation: lenient", HOT, 200),
    ("off lets unreadable JSON pass", "validation: off", BROKEN, 200),
    ("off answers without a body", "validation: off", raw_request("/v1/chat/completions"), 200),
    ("off answers without a body in every protocol", "validation: off", raw_request("/v1/messages"), 200),
]


@cases("key, sent, status", VALIDATION)
def test_validation(key: str, sent: ClientRequest, status: int) -> None:
    assert respond_once(f"{key}\nrules: [{{reply: x}}]", sent).status == status


def test_validation_of_file() -> None:
    files = {
        "a.yaml": "validation: lenient\nrules: [{match: {user: hi}, reply: x}]",
        "b.yaml": "rules: [{reply: y}]",
    }
    responses = respond_all(files, HOT, chat_request("other", temperature=7))
    assert [each.status for each in responses] == [200, 400]


def test_validation_of_pack_is_overridden_by_file() -> None:
    files = {
        "pack.yaml": 'name: p\nversion: "1"\nvalidation: lenient',
        "a.yaml": "rules: [{match: {user: hi}, reply: x}]",
        "b.yaml": "validation: strict\nrules: [{reply: y}]",
    }
    assert [each.status for each in respond_all(files, HOT, chat_request("other", temperature=7))] == [
        200,
        400,
    ]


def test_validation_without_rule_is_strict() -> None:
    responses = respond_once("validation: off\nrules: [{match: {user: no}, reply: x}]", HOT)
    assert (responses.status, responses.planned.unmatched) == (400, False)
    assert "temperature" in responses.message


STRICT = """
models: strict
rules:
  - match: {model: [mine, "glob-*"]}
    reply: x
  - name: rest
    times: 1
    reply: y
"""

MODELS: list[Any] = [
    ("a model that a rule names", chat_request(model="mine"), 200, None),
    ("a well-known model", chat_request(model="gpt-4o"), 200, None),
    ("a snapshot of one", chat_request(model="gpt-4o-2024-08-06"), 200, None),
    (
        "a model that fits a glob but has no literal name",
        chat_request(model="glob-1"),
        404,
        "model_not_found",
    ),
    ("an unknown model", chat_request(model="other"), 404, "model_not_found"),
    ("a well-known model of another provider", chat_request(model="claude-sonnet-5"), 404, "model_not_found"),
    ("Claude", claude_request(model="claude-sonnet-5"), 200, None),
    ("Claude by its alias", claude_request(model="claude-haiku-4-5"), 200, None),
    ("an unknown Claude", claude_request(model="claude-9"), 404, "not_found_error"),
    ("Gemini", raw_request("/v1beta/models/gemini-2.5-pro:generateContent", CONTENTS), 200, None),
    ("an unknown Gemini", raw_request("/v1beta/models/gemini-9:generateContent", CONTENTS), 404, "NOT_FOUND"),
    (
        "an unknown model of responses",
        raw_request("/v1/responses", {"model": "o", "input": "hi"}),
        400,
        "model_not_found",
    ),
    (
        "an unknown embedding",
        raw_request("/v1/embeddings", {"model": "o", "input": "hi"}),
        404,
        "model_not_found",
    ),
    (
        "an embedding",
        raw_request("/v1/embeddings", {"model": "text-embedding-3-small", "input": "hi"}),
        200,
        None,
    ),
    ("the list of models", raw_request("/v1/models", method="GET"), 200, None),
    ("one of them", raw_request("/v1/models/mine", method="GET"), 200, None),
    ("none of them", raw_request("/v1/models/other", method="GET"), 404, "model_not_found"),
    ("a deletion of none of them", raw_request("/v1/models/other", method="DELETE"), 404, "model_not_found"),
    (
        "a vendor's model that no rule names",
        raw_request("/groq/openai/v1/chat/completions", OTHER),
        404,
        "model_not_found",
    ),
    ("none of Anthropic's", raw_request("/anthropic/v1/models/other", method="GET"), 404, "not_found_error"),
    ("one of Anthropic's", raw_request("/anthropic/v1/models/claude-sonnet-5", method="GET"), 200, None),
    ("none of Gemini's", raw_request("/gemini/v1beta/models/other", method="GET"), 404, "NOT_FOUND"),
    ("one of Gemini's", raw_request("/gemini/v1beta/models/gemini-2.5-pro", method="GET"), 200, None),
    ("moderations without a model", raw_request("/v1/moderations", {"input": "hi"}), 200, None),
    ("a path that nobody knows", raw_request("/nowhere", {"model": "other"}), 404, None),
]


@cases("sent, status, code", MODELS)
def test_strict_models_refuse_unknown_model(sent: ClientRequest, status: int, code: str | None) -> None:
    response = respond_once(STRICT, sent)
    assert response.status == status
    if code is not None:
        error = response.json["error"]
        assert code in (error.get("code"), error.get("type"), error.get("status"))


def test_unknown_model_counts_nothing() -> None:
    assert [
        each.status for each in respond_all(STRICT, chat_request(model="other"), chat_request(model="o1"))
    ] == [404, 200]


def test_strict_models_of_file_and_pack() -> None:
    files = {
        "pack.yaml": 'name: p\nversion: "1"\nmodels: strict',
        "a.yaml": "rules: [{match: {user: hi}, reply: x}]",
        "b.yaml": "models: any\nrules: [{reply: y}]",
    }
    assert [
        each.status for each in respond_all(files, chat_request(model="m"), chat_request("other", model="m"))
    ] == [404, 200]
    own = {
        "a.yaml": "rules: [{match: {user: hi}, reply: x}]",
        "b.yaml": "models: strict\nrules: [{reply: y}]",
    }
    assert [
        each.status for each in respond_all(own, chat_request(model="m"), chat_request("other", model="m"))
    ] == [200, 404]


def test_model_named_by_rule_is_listed() -> None:
    files = {
        "a.yaml": "models: strict\nrules: [{match: {model: mine}, reply: x}]",
        "b.yaml": "rules: [{reply: y}]",
    }
    sent = (chat_request(model="other"), raw_request("/v1/models/other", method="GET"))
    assert [each.status for each in respond_all(files, *sent)] == [200, 200]


def test_unknown_model_lookup_is_404_of_provider() -> None:
    response = respond_once(STRICT, raw_request("/v1/models/other", method="GET"))
    assert response.json["error"] == {
        "message": "The model 'other' does not exist",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }


def test_invalid_request_is_4xx_of_provider() -> None:
    response = respond_once("rules: [{reply: x}]", claude_request(max_tokens=None))
    assert response.json["error"]["type"] == "invalid_request_error"
    assert response.rule is None


# --- counts ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "skipped",
    [chat_request(query="fail=503"), BROKEN, HOT],
    ids=["a modifier's error", "unreadable JSON", "what is out of range"],
)
def test_refused_request_counts_nothing_of_rule(skipped: ClientRequest) -> None:
    responses = respond_all(f"{ONCE}\n{OUTAGE}", skipped, skipped, chat_request(), chat_request())
    assert [each.rule for each in responses[2:]] == ["once", "other"]


def test_refused_request_counts_nothing_of_blocked_rules() -> None:
    skipping = f"rules: [{{name: later, skip: 1, reply: x}}, {{name: other, reply: y}}]\n{OUTAGE}"
    responses = respond_all(skipping, chat_request(query="fail=503"), chat_request(), chat_request())
    assert [each.rule for each in responses] == ["outage", "other", "later"]


def test_refused_request_counts_nothing_of_sequence() -> None:
    responses = respond_all(
        f"rules: [{{sequence: [a, b]}}]\n{OUTAGE}",
        chat_request(),
        chat_request(query="fail=500"),
        HOT,
        chat_request(),
    )
    assert [responses[0].text, responses[3].text] == ["a", "b"]


def test_modifier_is_counted_by_its_error() -> None:
    responses = respond_all(
        "rules: [{reply: x}]\nmodifiers: [{times: 2, error: overloaded}]",
        chat_request(),
        chat_request(),
        chat_request(),
    )
    assert [each.status for each in responses] == [503, 503, 200]


def test_modifier_is_counted_for_every_outcome() -> None:
    twice = "rules: [{match: {user: hi}, reply: x}]\nmodifiers: [{times: 2, headers: {x-m: '1'}}]"
    responses = respond_all(twice, chat_request("a miss"), HOT, chat_request())
    assert ["x-m" in each.headers for each in responses] == [True, True, False]


def test_modifier_with_inapplicable_fault_is_counted() -> None:
    broken = "rules: [{reply: a b c}]\nmodifiers: [{times: 1, faults: [{malformed: {at: {chunk: 1}}}]}]"
    responses = respond_all(broken, chat_request(), chat_request(stream=True))
    assert "malformed not applied" in responses[0].notes
    assert responses[1].planned.faults == ()


def test_response_of_failed_template_is_counted() -> None:
    responses = respond_all(
        "rules: [{times: 1, reply: '{{ query.x }}'}, {reply: y}]", chat_request(), chat_request(query="x=1")
    )
    assert [responses[0].status, responses[1].text] == [400, "y"]


# --- unknown fields ----------------------------------------------------------------------


@pytest.mark.parametrize("build_request", [chat_request, claude_request])
def test_unknown_fields_note_names_three(build_request: Any) -> None:
    (response, again, none) = respond_all(
        "rules: [{reply: x}]", build_request(foo=1), build_request(a=1, b=2, c=3, d=4), build_request()
    )
    assert response.notes == 'unknown field "foo"'
    assert again.notes.splitlines() == ['unknown field "a"', 'unknown field "b"', 'unknown field "c"']
    assert none.notes == ""


@pytest.mark.parametrize("validation", ["lenient", "off"])
def test_unknown_fields_are_noted_if_strict(validation: str) -> None:
    assert respond_once(f"validation: {validation}\nrules: [{{reply: x}}]", chat_request(foo=1)).notes == ""


def test_unknown_fields_are_noted_for_cached_response() -> None:
    responses = respond_all(
        "rules: [{reply: x}]",
        *[chat_request(), chat_request(), chat_request(), chat_request(foo=1), chat_request()],
    )
    assert [each.notes for each in responses] == ["", "", "", 'unknown field "foo"', ""]
