"""The overrides in a request's own headers: the seed, a fault, the delay, the rule that responds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import mockllm
from mockllm.core.faults import FAULTS, ReplyFaultContext
from mockllm.core.faults.meaning import Refuse
from mockllm.core.reply.reply import Reply, Text
from mockllm.engine.override_headers import (
    MAX_UNKNOWN_HEADERS,
    NON_OVERRIDING_HEADERS,
    OWN_HEADERS,
    OWN_PREFIX,
    WAITS,
)
from tests.language.virtual_server import (
    ClientRequest,
    ClientResponse,
    VirtualServer,
    cases,
    chat_request,
    claude_request,
    respond_all,
)

RULES = """
rules:
  - {name: greeting, match: {user: hello}, reply: "Hello there"}
  - {name: once, match: {model: none}, times: 1, reply: once only}
  - {name: whose, match: {user: {regex: "(?P<who>[a-z]+)!"}}, reply: "{{ match.who }}"}
  - {name: slow, match: {user: slow}, delay: 3s, faults: [stall], reply: one two three}
  - {name: drawn, match: {user: drawn}, choose: [a, b, c, d, e, f, g, h]}
  - {name: rest, fallback: true, reply: one two three}
modifiers:
  - {name: late, match: {user: late}, delay: 2s}
"""


def requested(user: str = "hi", say: Any = chat_request, **headers: str) -> ClientRequest:
    """A request with these of our headers."""
    ask: ClientRequest = say(
        user, headers={f"x-mockllm-{name}": text for name, text in headers.items()}, stream=True
    )
    return ask


def one(requested: ClientRequest, **more: Any) -> ClientResponse:
    return respond_all(RULES, requested, allow_overrides=True, **more)[0]


def message(received: ClientResponse) -> str:
    assert received.status == 400
    return received.message


# --- seeds ---------------------------------------------------------------------------------------


def test_a_seed_applies_to_one_request() -> None:
    game = VirtualServer(RULES)
    ids = [game.respond(requested(**headers)).events[0].json["id"] for headers in ({}, {"seed": "5"}, {})]
    other = VirtualServer(RULES, seed=5)
    assert ids[1] == [other.respond(requested()).events[0].json["id"] for _ in range(2)][1]
    same = VirtualServer(RULES)
    assert [ids[0], ids[2]] == [same.respond(requested()).events[0].json["id"] for _ in range(3)][::2]


def test_a_seed_needs_no_permission() -> None:
    reported = {respond_all(RULES, requested("drawn", seed=str(seed)))[0].text for seed in range(40)}
    assert len(reported) == 8


def test_an_invalid_seed_is_refused() -> None:
    expected = 'x-mockllm-seed: expected a whole number, or a seed from the journal, found "many"'
    assert message(respond_all(RULES, requested(seed="many"))[0]) == expected
    received = respond_all(RULES, requested(say=claude_request, seed="1.5"))[0]
    assert received.json["error"]["type"] == "invalid_request_error"
    assert received.planned.responder_id is None


# --- faults --------------------------------------------------------------------------------------


@cases(
    "text, played",
    [
        ("a name", "malformed", ("malformed",)),
        ("a mapping in braces", "{malformed: {at: {chunk: 2}}}", ("malformed",)),
        ("a mapping without them", "malformed: {at: {chunk: 2}}", ("malformed",)),
        (
            "a list, in its order",
            "[duplicate, {stall: {after: {chunks: 2}, for: 1s}}]",
            ("duplicate", "stall"),
        ),
        ("an empty list: none", "[]", ()),
        ("JSON, which is YAML", '{"stall": {"for": "20ms"}}', ("stall",)),
    ],
)
def test_a_fault_is_written_as_in_a_scenario(text: str, played: tuple[str, ...]) -> None:
    assert one(requested(fault=text)).planned.faults == played


def test_a_fault_replaces_the_scenarios_faults() -> None:
    assert one(requested("slow")).planned.faults == ("stall",)
    assert one(requested("slow", fault="[]")).planned.faults == ()
    assert one(requested("slow", fault="duplicate")).planned.faults == ("duplicate",)


def test_a_fault_that_does_not_apply_is_noted() -> None:
    received = respond_all(
        RULES, chat_request(headers={"x-mockllm-fault": "malformed"}), allow_overrides=True
    )[0]
    assert "malformed not applied" in received.notes


@cases(
    "text, stated",
    [
        ("a name that is none", "stal", 'column 1: no fault is called "stal"; did you mean "stall"?'),
        (
            "a key that is none",
            "{stall: {fro: 1s}}",
            'column 10: stall.fro: unknown key; expected "after" or "for"',
        ),
        (
            "a bare number",
            "{stall: {for: 3}}",
            'column 15: stall.for: 3 has no unit; write "300ms", "2s" or "1m"',
        ),
        (
            "the second of a list",
            "[stall, rest]",
            'column 9: no fault is called "rest"; did you mean "reset"?',
        ),
        (
            "two in one",
            "{stall: {}, reset: {}}",
            "column 1: one fault for each item; begin each item with a dash",
        ),
        ("broken YAML", "{stall: ", "column"),
        ("nothing", "", "column 1: "),
        ("far too deep", "[" * 3000, "column 101: nested more than 100 levels deep"),
        (
            "an object of Python's",
            "!!python/object:os.system x",
            'column 1: the tag "!!python/object:os.system"',
        ),
        ("a template", '{stall: {for: "{{ query.x }}"}}', "column 15: stall.for: "),
        ("a file of ours", "{stall: {for: {empirical: {file: /etc/passwd}}}}", "column"),
    ],
)
def test_a_mistake_in_a_fault_is_refused(text: str, stated: str) -> None:
    assert message(one(requested(fault=text))).startswith(f"x-mockllm-fault: {stated}")


def test_the_list_of_mistakes_in_a_fault_is_bounded() -> None:
    text = message(one(requested(fault="{" + ", ".join(f"a{number}: 1" for number in range(300)) + "}")))
    assert text.startswith("x-mockllm-fault: column 2: a0: unknown key")
    assert text.endswith("; and 295 more mistakes")
    assert text.count("unknown key") == 5


def test_a_request_has_at_most_100_faults() -> None:
    stated = "x-mockllm-fault: column 602: a request has at most 100 faults, found 101"
    assert message(one(requested(fault=f"[{', '.join(['drip'] * 101)}]"))) == stated
    assert one(requested(fault=f"[{', '.join(['drip'] * 100)}]")).planned.faults == ("drip",) * 100


def test_faults_of_a_reply_stay_within_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    def repeated(fault: Refuse, reply: Reply, context: ReplyFaultContext) -> Reply:
        (choice,) = reply.choices
        (text,) = choice.parts
        assert isinstance(text, Text)
        return replace(reply, choices=(replace(choice, parts=(Text(text.chunks * 1000),)),))

    monkeypatch.setattr(Refuse, "apply_to_reply", repeated)
    received = one(requested(fault="[refusal, refusal]"))
    assert received.planned.faults == ("refusal",)
    assert "refusal not applied: the reply would have more than 500,000 chunks" in received.notes


def test_a_faults_waits_are_capped() -> None:
    for wait in ("1h", "[1h, 2h]", "{exponential: {mean: 1s, min: 1h}}"):
        text = f"{{stall: {{after: {{chunks: 1}}, for: {wait}}}}}"
        assert one(requested(fault=text), max_wait=7.0).took == 7.0
    assert one(requested(fault="{stall: {after: {chunks: 1}, for: 2s}}"), max_wait=7.0).took == 2.0


def test_every_duration_of_a_fault_has_a_capped_key() -> None:
    schema = {name: fault.model_json_schema() for name, fault in FAULTS.items()}
    found = {key for key, value in _properties(schema) if "A duration with its unit" in str(value)}
    drawn = {"uniform", "normal", "lognormal", "exponential", "empirical", "mean", "median", "p99", "stddev"}
    assert found - drawn - {"min", "max", *FAULTS, "after", "at"} == set(WAITS)


def _properties(schema: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key == "properties":
                yield from value.items()
            yield from _properties(value)
    elif isinstance(schema, list):
        for each in schema:
            yield from _properties(each)


# --- delays --------------------------------------------------------------------------------------


def test_a_delay_replaces_the_scenarios_delays() -> None:
    assert [one(requested(user)).delay for user in ("hi", "late", "slow")] == [0, 2, 3]
    assert [one(requested(user, delay="250ms")).delay for user in ("hi", "late", "slow")] == [0.25] * 3
    assert one(requested("late", delay="0s")).delay == 0


def test_a_delay_is_capped() -> None:
    assert one(requested(delay="1h"), max_wait=7.0).delay == 7.0


def test_a_delay_needs_its_unit() -> None:
    assert message(one(requested(delay="3"))) == 'x-mockllm-delay: 3 has no unit; write "300ms", "2s" or "1m"'


# --- rules ---------------------------------------------------------------------------------------


def test_an_overriding_rule_responds_without_a_match() -> None:
    id = one(requested("hello")).id
    assert id is not None
    for name in ("greeting", id):
        received = one(requested(rule=name))
        assert (received.id, received.text) == (id, "Hello there")


def test_a_rules_guards_and_counts_apply() -> None:
    game = VirtualServer(RULES, allow_overrides=True)
    first, second = (game.respond(requested(rule="once")) for _ in range(2))
    assert first.text == "once only"
    assert second.status == 404
    assert "matched, but used up (times: 1)" in second.message


def test_captures_of_an_overriding_rule_are_absent() -> None:
    assert "match.who" in message(one(requested(rule="whose")))


def test_modifiers_apply_to_an_overriding_rule() -> None:
    assert one(requested("late", rule="greeting")).modifiers == ["late"]


@cases(
    "name, stated",
    [
        ("one letter off", "greetings", 'there is no rule "greetings"; did you mean "greeting"?'),
        ("nothing near", "zzz", 'there is no rule "zzz"; there are '),
        ("nothing at all", "", 'there is no rule ""; there are '),
    ],
)
def test_an_unknown_rule_is_refused_with_suggestions(name: str, stated: str) -> None:
    assert message(one(requested(rule=name))).startswith(f"x-mockllm-rule: {stated}")


def test_a_rule_name_may_contain_a_colon() -> None:
    rules = "rules: [{name: 'a: b', match: {user: x}, reply: One.}, {name: b, reply: Two.}]"
    received = respond_all(rules, requested(rule="a: b"), requested(rule="b"), allow_overrides=True)
    assert [each.text for each in received] == ["One.", "Two."]
    received = respond_all(rules, requested(rule="a: bc"), allow_overrides=True)
    assert message(received[0]).endswith('; did you mean "a: b"?')


def test_the_list_of_rules_is_bounded() -> None:
    assert message(one(requested(rule="zzz"))).endswith(" …")


def test_a_rule_override_without_rules_is_refused() -> None:
    received = respond_all("rules: []", requested(rule="a"), allow_overrides=True)[0]
    assert message(received) == 'x-mockllm-rule: there is no rule "a"'


def test_a_modifier_id_is_refused() -> None:
    id = one(requested("late")).planned.modifiers[0]
    assert message(one(requested(rule=id))) == f'x-mockllm-rule: "{id}" is a modifier; only a rule responds'


def test_an_ambiguous_rule_name_is_refused() -> None:
    files = {"a.yaml": "rules: [{name: x, reply: a}]", "b.yaml": "rules: [{name: x, reply: b}]"}
    received = respond_all(files, requested(rule="x"), allow_overrides=True)[0]
    assert message(received).startswith('x-mockllm-rule: several rules are called "x": ')
    ids = message(received).rpartition('"x": ')[2].split(", ")
    assert [respond_all(files, requested(rule=id), allow_overrides=True)[0].text for id in ids] == ["a", "b"]


# --- permission ----------------------------------------------------------------------------------


def test_overrides_without_the_option_are_noted() -> None:
    headers = {"fault": "nonsense", "delay": "3s", "rule": "greeting", "seed": "4"}
    received = respond_all(RULES, requested(**headers))[0]
    assert (received.rule, received.delay, received.planned.faults) == ("rest", 0, ())
    assert received.notes == (
        "ignored x-mockllm-fault, x-mockllm-delay, x-mockllm-rule: the server runs without --allow-overrides"
    )
    assert received.planned.seed_token == "4"


def test_all_overrides_apply_together() -> None:
    received = one(requested(rule="drawn", fault="duplicate", delay="1s", seed="3"))
    assert (received.rule, received.planned.faults, received.delay) == ("drawn", ("duplicate",), 1)


def test_overrides_apply_to_misses_and_lookups() -> None:
    received = respond_all("rules: []", requested(delay="1s"), allow_overrides=True)[0]
    assert (received.status, received.delay) == (404, 1)


def test_a_peek_at_a_refused_request_decides_by_rules() -> None:
    engine = VirtualServer(RULES, allow_overrides=True).engine
    bad = requested(fault="nonsense")
    request = engine.read("POST", bad.path, "", bad.headers, bad.body, "", 0.0)
    assert engine.preview(request).decision.outcome == "rule"


# --- misspelt headers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "meant"),
    [("sesion", "session"), ("falt", "fault"), ("RULES", "rule"), ("admin-tokn", "admin-token")],
)
def test_a_misspelt_header_is_noted(name: str, meant: str) -> None:
    received = one(requested("hello", **{name: "x"}))
    assert received.text == "Hello there"
    note = f'unknown header "x-mockllm-{name.lower()}"; did you mean x-mockllm-{meant}?'
    assert received.planned.notes == (note,)


def test_other_header_with_the_prefix_overrides_nothing() -> None:
    """Rules may match such headers: their requests have a fast path."""
    server = VirtualServer("rules: [{match: {headers: {x-mockllm-team: blue}}, reply: hi}]")
    *_, last = (server.respond(chat_request(headers={"x-mockllm-team": "blue"})) for _ in range(3))
    assert (last.text, last.planned.notes) == ("hi", ())
    assert last.planned.cached_from is not None


def test_other_header_beside_an_override_is_not_noted() -> None:
    received = one(requested("hello", seed="4", team="blue"))
    assert (received.planned.notes, received.planned.seed_token) == ((), "4")


def test_notes_of_misspelt_headers_are_bounded() -> None:
    received = respond_all(RULES, requested(**{f"seed{number}": "x" for number in range(9)}, delay="1s"))[0]
    assert len(received.planned.notes) == MAX_UNKNOWN_HEADERS + 1, "and that the delay is ignored"


def test_a_header_of_rules_and_clients_has_no_note() -> None:
    headers = dict.fromkeys(
        ("tenant-of-test", *(name.removeprefix(OWN_PREFIX) for name in NON_OVERRIDING_HEADERS)), "x"
    )
    assert one(requested(**headers)).planned.notes == ()


def test_each_header_in_the_code_is_known() -> None:
    package = Path(mockllm.__file__).parent
    texts = (file.read_text(encoding="utf-8") for file in package.rglob("*.py"))
    named = {name for text in texts for name in re.findall(r'= "(x-mockllm-[a-z-]+[a-z])"', text)}
    assert named <= {*OWN_HEADERS}
    assert len(named) > 8
