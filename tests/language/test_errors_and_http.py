"""Responses without a reply: errors in each envelope, and plain HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import NAMED
from tests.language.virtual_server import (
    ClientRequest,
    chat_request,
    claude_request,
    diagnostics_of,
    models_request,
    raw_request,
    respond_all,
    respond_once,
)

BOTH = (chat_request, claude_request)

# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("build_request", BOTH)
def test_named_error_has_envelope_of_every_provider(name: str, build_request: Any) -> None:
    response = respond_once(f"rules: [{{error: {name}}}]", build_request())
    assert response.status >= 400
    assert (response.planned.error, response.rule) == (name, "rules[0]")
    assert response.message


def test_error_message_can_be_set() -> None:
    response = respond_once(
        "rules: [{error: {type: insufficient_quota, status: 402, message: 'Pay, {{ user }}.'}}]"
    )
    assert (response.status, response.message) == (402, "Pay, hi.")


@pytest.mark.parametrize(
    ("status", "name"),
    [(400, "bad_request"), (401, "authentication"), (404, "not_found"), (429, "rate_limit"), (500, "server_error"),
     (503, "unavailable"), (529, "overloaded"), (418, "bad_request"), (599, "server_error")],
)  # fmt: skip
def test_error_status_alone_selects_named_or_generic_error(status: int, name: str) -> None:
    for build_request in BOTH:
        response = respond_once(f"rules: [{{error: {{status: {status}}}}}]", build_request())
        assert (response.status, response.planned.error) == (status, name)


def test_retry_after_has_form_of_provider() -> None:
    response = respond_once("rules: [{error: {type: rate_limit, retry_after: 90s}}]")
    assert (response.headers["retry-after"], response.headers["retry-after-ms"]) == ("90", "90000")
    assert (
        respond_once("rules: [{error: {type: rate_limit, retry_after: 2s}}]", claude_request()).headers[
            "retry-after"
        ]
        == "2"
    )


def test_retry_after_from_request_has_no_cap() -> None:
    yaml = "rules: [{error: {type: rate_limit, retry_after: '{{ query.r }}s'}}]"
    assert respond_once(yaml, chat_request(query="r=90")).headers["retry-after"] == "90"


def test_error_fields_are_merged_into_inner_object() -> None:
    yaml = "rules: [{error: {type: rate_limit, fields: {code: mine, param: null, more: {a: 1}}}}]"
    for build_request in BOTH:
        inner = respond_once(yaml, build_request()).json["error"]
        assert (inner["code"], inner["param"], inner["more"]) == ("mine", None, {"a": 1})


def test_error_fields_can_be_by_dialect() -> None:
    yaml = "rules: [{error: {type: rate_limit, fields: {openai: {code: o}, anthropic: {code: a}}}}]"
    assert respond_once(yaml).json["error"]["code"] == "o"
    assert respond_once(yaml, claude_request()).json["error"]["code"] == "a"
    assert (
        "code" not in respond_once(yaml.replace(", anthropic: {code: a}", ""), claude_request()).json["error"]
    )


@pytest.mark.parametrize(
    ("key", "expected_message"),
    [
        ("overload", 'did you mean "overloaded"?'),
        ("{message: x}", "an error needs a type or a status"),
        ("{status: 200}", "400"),
        ("{status: 600}", "599"),
        ("{status: '404'}", "number"),
        ("{type: timeout, retry_after: 5}", "has no unit"),
    ],
)
def test_error_with_mistake_has_diagnostic(key: str, expected_message: str) -> None:
    (result,) = diagnostics_of(f"rules: [{{error: {key}}}]")
    assert expected_message in result


# --- http ----------------------------------------------------------------------------------------


def test_http_response_has_no_protocol() -> None:
    response = respond_once("rules: [{http: {status: 418, headers: {x-pot: tea}, body: short and stout}}]")
    assert (response.status, response.headers["x-pot"], response.bytes) == (418, "tea", b"short and stout")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


BODIES: list[tuple[str, bytes, str | None]] = [
    ("{body: {a: [1]}}", b'{"a":[1]}', "application/json"),
    ("{body: [1, x]}", b'[1,"x"]', "application/json"),
    ("{body: 'né'}", "né".encode(), "text/plain; charset=utf-8"),
    ("{body: {a: 1}, headers: {Content-Type: text/odd}}", b'{"a":1}', "text/odd"),
    ("{}", b"", None),
    ("{status: 204}", b"", None),
]


@pytest.mark.parametrize(("key", "body", "kind"), BODIES)
def test_http_body_forms(key: str, body: bytes, kind: str | None) -> None:
    response = respond_once(f"rules: [{{http: {key}}}]")
    assert (response.bytes, response.headers.get("content-type")) == (body, kind)


def test_http_body_file_is_sent() -> None:
    files = {
        "a.yaml": "rules: [{http: {body_file: ./page.html, headers: {content-type: text/html}}}]",
        "page.html": "<p>{{ user }}",
    }
    response = respond_once(files)
    assert (response.bytes, response.headers["content-type"]) == (b"<p>{{ user }}", "text/html")
    assert diagnostics_of({"a.yaml": "rules: [{http: {body_file: ../secret}}]"})
    assert diagnostics_of("rules: [{http: {body_file: a.yaml, body: x}}]") == [
        "rules[0].http: write body or body_file, not both"
    ]


WHOSE: dict[str, tuple[str, ClientRequest, int, str]] = {
    "an answer": ("rules: [{name: r, reply: x}]", chat_request(), 200, "a.yaml:r"),
    "an invalid request that a rule would have answered": (
        "rules: [{name: r, reply: x}]", chat_request(messages=None), 400, "a.yaml:r",
    ),
    "an invalid request that nobody would have answered": (
        "rules: [{name: r, match: {path: /x}, reply: x}]", chat_request(messages=None), 400, "none",
    ),
    "a template that has no value": (
        "rules: [{name: r, reply: '{{ query.x }}'}]", chat_request(), 400, "a.yaml:r",
    ),
    "a modifier's template that has no value": (
        "rules: [{name: r, reply: x}]\nmodifiers: [{name: m, delay: '{{ query.x }}'}]",
        chat_request(),
        400,
        "a.yaml:r",
    ),
    "a modifier's error": (
        "rules: [{name: r, reply: x}]\nmodifiers: [{name: m, error: rate_limit}]", chat_request(), 429, "a.yaml:m",
    ),
    "a modifier's error that has no value": (
        "rules: [{name: r, reply: x}]\n"
        "modifiers: [{name: m, error: {status: '{{ query.x }}'}}]", chat_request(), 400, "a.yaml:m",
    ),
    "a miss": ("rules: [{name: r, match: {user: no}, reply: x}]", chat_request(), 404, "none"),
    "a lookup": ("rules: [{name: r, reply: x}]", models_request(), 200, "openai:models"),
    "another method": ("rules: [{name: r, reply: x}]", chat_request(method="PUT"), 405, "none"),
    "a path that nobody knows": ("rules: [{name: r, reply: x}]", raw_request("/nowhere"), 404, "none"),
}  # fmt: skip


@pytest.mark.parametrize(("yaml", "sent", "status", "rule"), WHOSE.values(), ids=WHOSE)
def test_response_header_names_rule(yaml: str, sent: ClientRequest, status: int, rule: str) -> None:
    response = respond_once(yaml, sent)
    assert (response.status, response.headers["x-mockllm-rule"]) == (status, rule)


def test_ended_sequence_miss_names_no_rule() -> None:
    _, ended = respond_all("rules: [{sequence: [a], then: error}]", chat_request(), chat_request())
    assert (ended.status, ended.headers["x-mockllm-rule"]) == (404, "none")


def test_refused_request_note_states_reason() -> None:
    yaml = "rules: [{name: r, reply: 'x{{ query.x }}'}]"
    assert respond_once(yaml, claude_request(max_tokens=None)).notes.startswith("invalid: max_tokens: ")
    assert "query parameter 'x'" in respond_once(yaml, claude_request()).notes
    assert len(respond_once(yaml, raw_request("/v1/messages", "{" + "x" * 900)).notes) <= 220


def test_rule_id_is_in_header() -> None:
    assert respond_once("rules: [{reply: x}]").headers["x-mockllm-rule"] == "a.yaml:rules[0]"
    assert (
        respond_once("rules: [{name: grüße, reply: x}]").headers["x-mockllm-rule"] == "a.yaml:gr%C3%BC%C3%9Fe"
    )
