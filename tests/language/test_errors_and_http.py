"""Answers that are no replies: errors in each envelope, and plain HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import NAMED
from tests.language.playing import Ask, ask, chat, claude, first, mistakes, models, play

BOTH = (chat, claude)

# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("asking", BOTH)
def test_every_named_error_in_every_envelope(name: str, asking: Any) -> None:
    heard = first(f"rules: [{{error: {name}}}]", asking())
    assert heard.status >= 400
    assert (heard.answer.error, heard.rule) == (name, "rules[0]")
    assert heard.message


def test_an_error_in_words_of_ones_own() -> None:
    heard = first("rules: [{error: {type: insufficient_quota, status: 402, message: 'Pay, {{ user }}.'}}]")
    assert (heard.status, heard.message) == (402, "Pay, hi.")


@pytest.mark.parametrize(
    ("status", "name"),
    [(400, "bad_request"), (401, "authentication"), (404, "not_found"), (429, "rate_limit"), (500, "server_error"),
     (503, "unavailable"), (529, "overloaded"), (418, "bad_request"), (599, "server_error")],
)  # fmt: skip
def test_a_status_alone_is_the_named_error_of_that_status_else_a_generic_one(status: int, name: str) -> None:
    for asking in BOTH:
        heard = first(f"rules: [{{error: {{status: {status}}}}}]", asking())
        assert (heard.status, heard.answer.error) == (status, name)


def test_retry_after_is_sent_as_the_provider_sends_it() -> None:
    heard = first("rules: [{error: {type: rate_limit, retry_after: 90s}}]")
    assert (heard.headers["retry-after"], heard.headers["retry-after-ms"]) == ("90", "90000")
    assert (
        first("rules: [{error: {type: rate_limit, retry_after: 2s}}]", claude()).headers["retry-after"] == "2"
    )


def test_retry_after_from_the_request_is_no_wait_and_has_no_cap() -> None:
    yaml = "rules: [{error: {type: rate_limit, retry_after: '{{ query.r }}s'}}]"
    assert first(yaml, chat(query="r=90")).headers["retry-after"] == "90"


def test_fields_are_merged_into_the_inner_object() -> None:
    yaml = "rules: [{error: {type: rate_limit, fields: {code: mine, param: null, more: {a: 1}}}}]"
    for asking in BOTH:
        inner = first(yaml, asking()).json["error"]
        assert (inner["code"], inner["param"], inner["more"]) == ("mine", None, {"a": 1})


def test_fields_by_dialect() -> None:
    yaml = "rules: [{error: {type: rate_limit, fields: {openai: {code: o}, anthropic: {code: a}}}}]"
    assert first(yaml).json["error"]["code"] == "o"
    assert first(yaml, claude()).json["error"]["code"] == "a"
    assert "code" not in first(yaml.replace(", anthropic: {code: a}", ""), claude()).json["error"]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("overload", 'did you mean "overloaded"?'),
        ("{message: x}", "an error needs a type or a status"),
        ("{status: 200}", "400"),
        ("{status: 600}", "599"),
        ("{status: '404'}", "number"),
        ("{type: timeout, retry_after: 5}", "has no unit"),
    ],
)
def test_mistakes_in_an_error(word: str, said: str) -> None:
    (found,) = mistakes(f"rules: [{{error: {word}}}]")
    assert said in found


# --- http ----------------------------------------------------------------------------------------


def test_http_is_outside_every_protocol() -> None:
    heard = first("rules: [{http: {status: 418, headers: {x-pot: tea}, body: short and stout}}]")
    assert (heard.status, heard.headers["x-pot"], heard.bytes) == (418, "tea", b"short and stout")
    assert heard.headers["content-type"] == "text/plain; charset=utf-8"


BODIES: list[tuple[str, bytes, str | None]] = [
    ("{body: {a: [1]}}", b'{"a":[1]}', "application/json"),
    ("{body: [1, x]}", b'[1,"x"]', "application/json"),
    ("{body: 'né'}", "né".encode(), "text/plain; charset=utf-8"),
    ("{body: {a: 1}, headers: {Content-Type: text/odd}}", b'{"a":1}', "text/odd"),
    ("{}", b"", None),
    ("{status: 204}", b"", None),
]


@pytest.mark.parametrize(("word", "body", "kind"), BODIES)
def test_bodies_of_http(word: str, body: bytes, kind: str | None) -> None:
    heard = first(f"rules: [{{http: {word}}}]")
    assert (heard.bytes, heard.headers.get("content-type")) == (body, kind)


def test_http_with_a_file() -> None:
    files = {
        "a.yaml": "rules: [{http: {body_file: ./page.html, headers: {content-type: text/html}}}]",
        "page.html": "<p>{{ user }}",
    }
    heard = first(files)
    assert (heard.bytes, heard.headers["content-type"]) == (b"<p>{{ user }}", "text/html")
    assert mistakes({"a.yaml": "rules: [{http: {body_file: ../secret}}]"})
    assert mistakes("rules: [{http: {body_file: a.yaml, body: x}}]") == [
        "rules[0].http: write body or body_file, not both"
    ]


WHOSE: dict[str, tuple[str, Ask, int, str]] = {
    "an answer": ("rules: [{name: r, reply: x}]", chat(), 200, "a.yaml:r"),
    "an invalid request that a rule would have answered": (
        "rules: [{name: r, reply: x}]", chat(messages=None), 400, "a.yaml:r",
    ),
    "an invalid request that nobody would have answered": (
        "rules: [{name: r, match: {path: /x}, reply: x}]", chat(messages=None), 400, "none",
    ),
    "a template that has no value": ("rules: [{name: r, reply: '{{ query.x }}'}]", chat(), 400, "a.yaml:r"),
    "a modifier's template that has no value": (
        "rules: [{name: r, reply: x}]\nmodifiers: [{name: m, delay: '{{ query.x }}'}]", chat(), 400, "a.yaml:r",
    ),
    "a modifier's error": (
        "rules: [{name: r, reply: x}]\nmodifiers: [{name: m, error: rate_limit}]", chat(), 429, "a.yaml:m",
    ),
    "a modifier's error that has no value": (
        "rules: [{name: r, reply: x}]\n"
        "modifiers: [{name: m, error: {status: '{{ query.x }}'}}]", chat(), 400, "a.yaml:m",
    ),
    "a miss": ("rules: [{name: r, match: {user: no}, reply: x}]", chat(), 404, "none"),
    "a lookup": ("rules: [{name: r, reply: x}]", models(), 200, "openai:models"),
    "another method": ("rules: [{name: r, reply: x}]", chat(method="PUT"), 405, "none"),
    "a path that nobody knows": ("rules: [{name: r, reply: x}]", ask("/nowhere"), 404, "none"),
}  # fmt: skip


@pytest.mark.parametrize(("yaml", "asked", "status", "rule"), WHOSE.values(), ids=WHOSE)
def test_every_answer_says_whose_it_is(yaml: str, asked: Ask, status: int, rule: str) -> None:
    heard = first(yaml, asked)
    assert (heard.status, heard.headers["x-mockllm-rule"]) == (status, rule)


def test_the_miss_of_a_sequence_that_has_ended_is_nobodys() -> None:
    _, ended = play("rules: [{sequence: [a], then: error}]", chat(), chat())
    assert (ended.status, ended.headers["x-mockllm-rule"]) == (404, "none")


def test_a_refusal_says_in_short_why() -> None:
    yaml = "rules: [{name: r, reply: 'x{{ query.x }}'}]"
    assert first(yaml, claude(max_tokens=None)).notes.startswith("invalid: max_tokens: ")
    assert "query parameter 'x'" in first(yaml, claude()).notes
    assert len(first(yaml, ask("/v1/messages", "{" + "x" * 900)).notes) <= 220


def test_the_rules_id_is_in_a_header() -> None:
    assert first("rules: [{reply: x}]").headers["x-mockllm-rule"] == "a.yaml:rules[0]"
    assert first("rules: [{name: grüße, reply: x}]").headers["x-mockllm-rule"] == "a.yaml:gr%C3%BC%C3%9Fe"
