"""What `POST /api/verify` checks, and its report of what does not hold."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mockllm.scenario.source_file import Source
from mockllm.server.control import body_text
from mockllm.server.control.handlers import journal
from tests.server.control.live_server import Steered, steered


def verified(server: Steered, **body: Any) -> dict[str, Any]:
    got = server.call("POST", "/api/verify", body)
    assert got.status == 200, got.text
    found: dict[str, Any] = got.json
    return found


HELLO = {"match": {"user": {"contains": "hello"}}}
COUNTS: dict[str, tuple[dict[str, Any], bool]] = {
    "once at least": (HELLO, True),
    "twice": ({**HELLO, "exactly": 2}, True),
    "not once": ({**HELLO, "exactly": 1}, False),
    "at least three": ({**HELLO, "at_least": 3}, False),
    "at most one": ({**HELLO, "at_most": 1}, False),
    "at most two": ({**HELLO, "at_most": 2}, True),
    "none of another model": ({"match": {"model": "other"}, "exactly": 0}, True),
    "by a rule": ({"rule": "hello", "exactly": 2}, True),
    "not by another": ({**HELLO, "rule": "never"}, False),
}


@pytest.mark.parametrize(("expectation", "passed"), COUNTS.values(), ids=COUNTS)
def test_counts_are_verified(server: Steered, expectation: dict[str, Any], passed: bool) -> None:
    server.ask("hello")
    server.ask("oh, hello")
    assert verified(server, expect=[expectation])["passed"] is passed


@pytest.mark.parametrize(("expected", "status"), [([HELLO], 200), ("none", 422)], ids=["valid", "invalid"])
def test_thread_finds_the_places_in_a_body(
    server: Steered, expected: Any, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = body_text.body_source

    def body_source(raw: bytes) -> Source:
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        return read(raw)

    monkeypatch.setattr(journal, "body_source", body_source)
    assert server.call("POST", "/api/verify", {"expect": expected}).status == status


def test_failure_lists_nearest_requests_and_differences(server: Steered) -> None:
    server.ask("hello", model="m2")
    found = verified(server, expect=[{"match": {"model": "m1", "user": "hello"}}])
    (failure,) = found["failures"]
    assert failure["message"] == "expected at least 1, found 0"
    assert failure["nearest"][0]["differences"] == ['model expected "m1", found "m2"']


@pytest.mark.parametrize("secret", ["correcthorse77", "correct horse battery 77 " * 8], ids=["short", "long"])
def test_differences_show_no_secret_of_a_body(server: Steered, secret: str) -> None:
    server.ask("hello", password=secret)
    found = verified(server, expect=[{"match": {"body": {"$.password": "x"}}}])
    (line,) = found["failures"][0]["nearest"][0]["differences"]
    assert line.startswith('body[$.password] expected "x", found "REDACTED')
    assert "horse" not in line


def test_match_with_many_unknown_keys_has_few_suggestions(server: Steered) -> None:
    keys = {f"modell{number}": "x" for number in range(1000)}
    errors = server.call("POST", "/api/verify", {"expect": [{"match": keys}]}).json["errors"]
    assert len(errors) == 1000
    suggested = [each for each in errors if "did you mean" in each["message"]]
    assert 0 < len(suggested) < 500


NO_SUCH = {
    "a name with a slip": ("helo", '; no rule has the name "helo"; did you mean "hello"?'),
    "an id with a slip": (
        "a.yaml:helo",
        '; no rule has the name "a.yaml:helo"; did you mean "a.yaml:hello"?',
    ),
    "a name like no other": ("zzz", '; no rule has the name "zzz"'),
    "a rule that has not answered": ("never", ""),
}


@pytest.mark.parametrize(("rule", "stated"), NO_SUCH.values(), ids=NO_SUCH)
def test_unknown_rule_failure_suggests_a_name(server: Steered, rule: str, stated: str) -> None:
    server.ask("hello")
    (failure,) = verified(server, expect=[{"rule": rule}])["failures"]
    assert failure["message"] == f"expected at least 1, found 0{stated}"


@pytest.mark.parametrize("bound", [{"at_most": 0}, {"exactly": 0}], ids=str)
def test_bound_on_unknown_rule_fails(server: Steered, bound: dict[str, int]) -> None:
    (failure,) = verified(server, expect=[{"exactly": 0}, {"rule": "helo", **bound}])["failures"]
    assert failure["expect"] == 1
    assert failure["message"] == 'no rule has the name "helo"; did you mean "hello"?'


@pytest.mark.parametrize("rule", ["never", "a.yaml:never", "quota", "openai:models", "models", "mine"])
def test_bound_on_known_rule_is_met(server: Steered, rule: str) -> None:
    server.call("POST", "/api/rules?session=s", {"name": "mine", "reply": "x"})
    assert verified(server, expect=[{"rule": rule, "exactly": 0}])["passed"]


def test_bound_on_rule_of_journal_is_met(server: Steered) -> None:
    server.call("POST", "/api/rules", {"name": "gone", "reply": "x"})
    server.ask("new")
    server.call("DELETE", "/api/rules")
    last = server.call("GET", "/api/requests").json["requests"][0]["id"]
    assert verified(server, expect=[{"rule": "gone", "at_most": 0}], since=last)["passed"]


def test_session_without_requests_meets_zero(server: Steered) -> None:
    assert verified(server, session="new", expect=[{"exactly": 0}])["passed"]


def test_order_is_verified(server: Steered) -> None:
    server.ask("hello", model="first")
    server.ask("hello", model="second")
    expect = [{"match": {"model": "first"}}, {"match": {"model": "second"}}]
    assert verified(server, expect=expect, in_order=True)["passed"]
    found = verified(server, expect=expect[::-1], in_order=True)
    assert [each["expect"] for each in found["failures"]] == [1]


def test_optional_expectation_does_not_break_the_order(server: Steered) -> None:
    server.ask("hello", model="first")
    server.ask("hello", model="second")
    second, maybe, first = (
        {"match": {"model": "second"}},
        {"match": {"model": "x"}, "at_most": 1},
        {"match": {"model": "first"}},
    )
    assert verified(server, expect=[first, maybe, second], in_order=True)["passed"]
    (failure,) = verified(server, expect=[second, maybe, first], in_order=True)["failures"]
    assert failure["expect"] == 2
    assert failure["message"] == "was requested, but not after a request that meets expect[0]"


SECRET_MATCHES: dict[str, tuple[Any, str]] = {
    "a key": ({"api_key": "a"}, "api_key"),
    "in all": ({"all": [{"user": "x"}, {"api_key": "a"}]}, "all[1].api_key"),
    "in not in any": ({"any": [{"not": {"api_key": {"starts_with": "a"}}}]}, "any[0].not.api_key"),
    "a header": ({"headers": {"Authorization": "Bearer a"}}, "headers.Authorization"),
    "a parameter": ({"not": {"query": {"key": "a"}}}, "not.query.key"),
}


@pytest.mark.parametrize(("match", "field"), SECRET_MATCHES.values(), ids=SECRET_MATCHES)
def test_match_on_secret_is_refused(server: Steered, match: Any, field: str) -> None:
    server.ask("hello")
    got = server.call("POST", "/api/verify", {"expect": [{"match": match}]})
    assert got.status == 422
    (wrong,) = got.json["errors"]
    assert wrong["field"] == f"expect[0].match.{field}"
    assert wrong["message"].startswith("the journal stores no keys")
    assert wrong["line"] == 1


def test_existence_of_a_key_is_verified(server: Steered) -> None:
    server.ask("hello")
    there = {"headers": {"authorization": {"exists": True}}, "query": {"key": {"exists": False}}}
    assert verified(
        server, expect=[{"match": {**there, "headers": {**there["headers"], "x-y": {"exists": False}}}}]
    )["passed"]


def test_nearest_request_has_a_different_value(server: Steered) -> None:
    server.ask("good bye")
    server.call("GET", "/v1/nothing")
    server.call("GET", "/v1/models")
    (failure,) = verified(server, expect=[{"match": {"user": "hello"}}])["failures"]
    assert failure["nearest"][0]["path"] == "/v1/chat/completions"


def test_unmatched_requests_and_unused_rules_fail(server: Steered) -> None:
    server.ask("hello")
    assert verified(server, no_unmatched=True)["passed"]
    server.ask("good bye")
    found = verified(server, no_unmatched=True, all_rules_used=True)
    messages = [each["message"] for each in found["failures"]]
    assert messages[0] == "1 request that no rule matched"
    assert messages[1].startswith("a.yaml:never (")


def test_all_rules_used_ignores_rules_of_packs(tmp_path: Path) -> None:
    rules = "use: [default]\nrules: [{name: mine, match: {user: x}, reply: x}]\n"
    with steered(tmp_path, {"a.yaml": rules}) as server:
        (failure,) = verified(server, all_rules_used=True)["failures"]
        assert failure["message"].startswith("a.yaml:mine (")


def test_all_rules_used_ignores_fallbacks(tmp_path: Path) -> None:
    rules = "rules: [{name: mine, match: {user: x}, reply: x}, {name: else, reply: y, fallback: true}]"
    with steered(tmp_path, {"a.yaml": rules}) as server:
        server.ask("x")
        assert verified(server, all_rules_used=True)["passed"]


@pytest.mark.parametrize(("session", "unused"), [(None, []), ("q", ["session:of-q"]), ("other", [])])
def test_all_rules_used_ignores_other_sessions(
    server: Steered, session: str | None, unused: list[str]
) -> None:
    server.call("POST", "/api/rules?session=q", {"name": "of-q", "match": {"user": "x"}, "reply": "x"})
    server.call("POST", "/api/rules", {"name": "of-all", "match": {"user": "x"}, "reply": "x"})
    messages = [
        each["message"] for each in verified(server, all_rules_used=True, session=session)["failures"]
    ]
    found = {message.partition(" (")[0] for message in messages}
    assert found == {"a.yaml:hello", "a.yaml:never", "overlay:of-all", *unused}


def test_session_is_verified_alone(server: Steered) -> None:
    server.ask("hello", session="a")
    server.ask("hello", session="b")
    assert verified(server, session="a", expect=[{"exactly": 1}])["passed"]
