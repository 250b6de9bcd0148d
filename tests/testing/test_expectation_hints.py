"""Why another rule responded than the expected one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testing.suites import results, stated, write

RULES = """
rules:
  - {name: hello, match: {user: {contains: hello}}, reply: a}
  - {name: never, match: {user: hello}, chance: 0%, reply: b}
  - {name: later, match: {user: {contains: hello}}, reply: c}
modifiers:
  - {name: out, match: {query: {out: "1"}}, error: overloaded}
"""
CASES = {
    "it did not match": (
        "{request: {user: bye}, expect: {rule: hello}}",
        ['{f}:3 hello: user expected contains "hello", found "bye"'],
    ),
    "another came first": (
        "{request: {user: hello}, expect: {rule: later}}",
        ["{f}:5 later: matched, but another rule came first", "{f}:3 hello: matched"],
    ),
    "a modifier's error came first": (
        '{request: {user: hello, query: {out: "1"}}, expect: {rule: hello}}',
        ["{f}:3 hello: matched, but a modifier's error came first", "{f}:3 hello: matched"],
    ),
    "the request was invalid": (
        "{request: {body: {messages: [{role: user, content: hello}]}}, expect: {rule: hello}}",
        ["{f}:3 hello: matched, but the request's validation came first", "{f}:3 hello: matched"],
    ),
    "its name is another": (
        "{request: {user: hello}, expect: {rule: helo}}",
        ['no rule is called helo; did you mean "hello"?', "{f}:3 hello: matched"],
    ),
    "no rule fits the condition, and none answered": (
        "{request: {user: bye}, expect: {rule: {ends_with: x}}}",
        [
            '{f}:3 hello: user expected contains "hello", found "bye"',
            '{f}:4 never: user expected "hello", found "bye"',
            '{f}:5 later: user expected contains "hello", found "bye"',
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_failed_expectation_has_hint(name: str, tmp_path: Path) -> None:
    example, lines = CASES[name]
    write(tmp_path, a=f"{RULES}\nexamples:\n  - {example}\n")
    explained = [line.strip() for line in stated(results(tmp_path))[2:] if "the response says" not in line]
    assert explained == [line.replace("{f}", f"{tmp_path}/a.yaml") for line in lines]


def test_hint_names_guard_that_blocked_rule(tmp_path: Path) -> None:
    rules = "rules: [{name: never, chance: 0%, reply: b}, {name: rest, reply: c}]"
    write(tmp_path, a=f"{rules}\nexamples: [{{expect: {{rule: never}}}}]\n")
    assert (
        stated(results(tmp_path))[2].strip() == f"{tmp_path}/a.yaml:1 never: matched, but lost its 0% chance"
    )


def test_hint_names_rule_whose_sequence_has_ended(tmp_path: Path) -> None:
    rules = "rules: [{name: once, sequence: [a], then: error}]"
    steps = "[{expect: {rule: once}}, {expect: {rule: once}}]"
    write(tmp_path, a=f"{rules}\nexamples: [{{steps: {steps}}}]\n")
    lines = [line.strip() for line in stated(results(tmp_path))[2:]]
    assert lines[0] == f"{tmp_path}/a.yaml:1 once: matched, but its sequence has ended"
    assert not any(line.endswith(": matched") for line in lines)


def test_hint_of_misspelt_path_of_body_has_the_member(tmp_path: Path) -> None:
    expect = '{body: {"$.choices[0].mesage.content": hi}}'
    write(tmp_path, a=f"rules: [{{reply: hi}}]\nexamples: [{{expect: {expect}}}]\n")
    line = 'body $.choices[0].mesage.content: expected "hi", found nothing (nearest is "message")'
    assert stated(results(tmp_path))[1].strip() == line


def test_long_error_message_in_hint_is_marked_as_cut(tmp_path: Path) -> None:
    request = "{path: /v1/chat/completion, body: {}}"
    write(
        tmp_path, a=f"rules: [{{reply: hi}}]\nexamples: [{{request: {request}, expect: {{status: 200}}}}]\n"
    )
    assert stated(results(tmp_path))[-1].endswith("…")
