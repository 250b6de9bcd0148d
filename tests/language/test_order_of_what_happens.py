"""What happens to a request, in order: find, a modifier's error, validation, count and answer; and a miss."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.playing import Ask, ask, chat, claude, first, models, play, table

BROKEN = ask("/v1/chat/completions", b"{")
NO_MODEL = ask("/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}]})
HOT = chat(temperature=7)
CONTENTS: Any = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
OTHER: Any = {"model": "other", "messages": [{"role": "user", "content": "hi"}]}
OUTAGE = (
    "modifiers: [{name: outage, match: {query: {fail: {exists: true}}}, error: {status: '{{ query.fail }}'}}]"
)

ONCE = "rules: [{name: once, times: 1, reply: x}, {name: other, reply: y}]"


def test_a_modifiers_error_stands_in_place_of_the_answer() -> None:
    heard = first(f"{ONCE}\n{OUTAGE}", chat(query="fail=503"))
    assert (heard.status, heard.answer.error, heard.rule, heard.modifiers) == (
        503,
        "unavailable",
        "outage",
        ["outage"],
    )


def test_a_modifiers_error_also_when_no_rule_matched() -> None:
    assert first(f"rules: []\n{OUTAGE}", chat(query="fail=500")).status == 500
    heard = first(f"rules: [{{match: {{user: no}}, reply: x}}]\n{OUTAGE}", chat(query="fail=500"))
    assert (heard.status, heard.answer.missed) == (500, False)


@pytest.mark.parametrize("asked", [BROKEN, NO_MODEL, HOT], ids=["unreadable", "no model", "out of range"])
def test_a_modifiers_error_comes_before_validation(asked: Ask) -> None:
    ill = Ask(asked.path, asked.body, query="fail=503")
    assert first(f"rules: [{{reply: x}}]\n{OUTAGE}", ill).status == 503


def test_a_modifiers_error_also_on_calls_that_do_not_generate() -> None:
    assert first(OUTAGE, models(query="fail=503")).status == 503


def test_of_several_errors_the_first_modifiers() -> None:
    two = "modifiers: [{error: overloaded}, {error: timeout, priority: 1}, {error: rate_limit}]"
    assert first(f"rules: [{{reply: x}}]\n{two}").answer.error == "timeout"


# --- validation ----------------------------------------------------------------------------------

VALIDATION: list[tuple[str, str, Ask, int]] = [
    ("strict is the default", "", HOT, 400),
    ("strict refuses unreadable JSON", "validation: strict", BROKEN, 400),
    ("strict refuses a missing model", "validation: strict", NO_MODEL, 400),
    ("strict refuses what is out of range", "validation: strict", HOT, 400),
    ("strict takes any model name", "validation: strict", chat(model="no-such-model"), 200),
    ("strict takes any key, and none", "validation: strict", chat(key="nonsense"), 200),
    ("strict accepts unknown fields", "validation: strict", chat(brand_new_field=1), 200),
    ("lenient refuses unreadable JSON", "validation: lenient", BROKEN, 400),
    ("lenient lets a missing model pass", "validation: lenient", NO_MODEL, 200),
    ("lenient lets what is out of range pass", "validation: lenient", HOT, 200),
    ("off lets unreadable JSON pass", "validation: off", BROKEN, 200),
    ("off answers without a body", "validation: off", ask("/v1/chat/completions"), 200),
    ("off answers without a body in every protocol", "validation: off", ask("/v1/messages"), 200),
]


@table("key, asked, status", VALIDATION)
def test_validation(key: str, asked: Ask, status: int) -> None:
    assert first(f"{key}\nrules: [{{reply: x}}]", asked).status == status


def test_validation_is_a_key_of_the_file() -> None:
    files = {
        "a.yaml": "validation: lenient\nrules: [{match: {user: hi}, reply: x}]",
        "b.yaml": "rules: [{reply: y}]",
    }
    heard = play(files, HOT, chat("other", temperature=7))
    assert [each.status for each in heard] == [200, 400]


def test_validation_is_a_key_of_the_pack_unless_a_file_says_otherwise() -> None:
    files = {
        "pack.yaml": 'name: p\nversion: "1"\nvalidation: lenient',
        "a.yaml": "rules: [{match: {user: hi}, reply: x}]",
        "b.yaml": "validation: strict\nrules: [{reply: y}]",
    }
    assert [each.status for each in play(files, HOT, chat("other", temperature=7))] == [200, 400]


def test_validation_is_strict_where_no_rule_answers() -> None:
    heard = first("validation: off\nrules: [{match: {user: no}, reply: x}]", HOT)
    assert (heard.status, heard.answer.missed) == (400, False)
    assert "temperature" in heard.message


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
    ("a model that a rule names", chat(model="mine"), 200, None),
    ("a well-known model", chat(model="gpt-4o"), 200, None),
    ("a snapshot of one", chat(model="gpt-4o-2024-08-06"), 200, None),
    ("a model that fits a glob but has no literal name", chat(model="glob-1"), 404, "model_not_found"),
    ("an unknown model", chat(model="other"), 404, "model_not_found"),
    ("a well-known model of another provider", chat(model="claude-sonnet-5"), 404, "model_not_found"),
    ("Claude", claude(model="claude-sonnet-5"), 200, None),
    ("Claude by its alias", claude(model="claude-haiku-4-5"), 200, None),
    ("an unknown Claude", claude(model="claude-9"), 404, "not_found_error"),
    ("Gemini", ask("/v1beta/models/gemini-2.5-pro:generateContent", CONTENTS), 200, None),
    ("an unknown Gemini", ask("/v1beta/models/gemini-9:generateContent", CONTENTS), 404, "NOT_FOUND"),
    (
        "an unknown model of responses",
        ask("/v1/responses", {"model": "o", "input": "hi"}),
        400,
        "model_not_found",
    ),
    ("an unknown embedding", ask("/v1/embeddings", {"model": "o", "input": "hi"}), 404, "model_not_found"),
    ("an embedding", ask("/v1/embeddings", {"model": "text-embedding-3-small", "input": "hi"}), 200, None),
    ("the list of models", ask("/v1/models", method="GET"), 200, None),
    ("one of them", ask("/v1/models/mine", method="GET"), 200, None),
    ("none of them", ask("/v1/models/other", method="GET"), 404, "model_not_found"),
    ("a deletion of none of them", ask("/v1/models/other", method="DELETE"), 404, "model_not_found"),
    (
        "a vendor's model that no rule names",
        ask("/groq/openai/v1/chat/completions", OTHER),
        404,
        "model_not_found",
    ),
    ("none of Anthropic's", ask("/anthropic/v1/models/other", method="GET"), 404, "not_found_error"),
    ("one of Anthropic's", ask("/anthropic/v1/models/claude-sonnet-5", method="GET"), 200, None),
    ("none of Gemini's", ask("/gemini/v1beta/models/other", method="GET"), 404, "NOT_FOUND"),
    ("one of Gemini's", ask("/gemini/v1beta/models/gemini-2.5-pro", method="GET"), 200, None),
    ("moderations without a model", ask("/v1/moderations", {"input": "hi"}), 200, None),
    ("a path that nobody knows", ask("/nowhere", {"model": "other"}), 404, None),
]


@table("asked, status, code", MODELS)
def test_strict_models_are_the_known_ones(asked: Ask, status: int, code: str | None) -> None:
    heard = first(STRICT, asked)
    assert heard.status == status
    if code is not None:
        error = heard.json["error"]
        assert code in (error.get("code"), error.get("type"), error.get("status"))


def test_an_unknown_model_uses_up_nothing() -> None:
    assert [each.status for each in play(STRICT, chat(model="other"), chat(model="o1"))] == [404, 200]


def test_strict_models_are_a_key_of_the_file_and_of_the_pack() -> None:
    files = {
        "pack.yaml": 'name: p\nversion: "1"\nmodels: strict',
        "a.yaml": "rules: [{match: {user: hi}, reply: x}]",
        "b.yaml": "models: any\nrules: [{reply: y}]",
    }
    assert [each.status for each in play(files, chat(model="m"), chat("other", model="m"))] == [404, 200]
    own = {
        "a.yaml": "rules: [{match: {user: hi}, reply: x}]",
        "b.yaml": "models: strict\nrules: [{reply: y}]",
    }
    assert [each.status for each in play(own, chat(model="m"), chat("other", model="m"))] == [200, 404]


def test_a_model_that_some_file_answers_is_there() -> None:
    files = {
        "a.yaml": "models: strict\nrules: [{match: {model: mine}, reply: x}]",
        "b.yaml": "rules: [{reply: y}]",
    }
    asked = (chat(model="other"), ask("/v1/models/other", method="GET"))
    assert [each.status for each in play(files, *asked)] == [200, 200]


def test_a_model_that_is_looked_up_and_not_there_is_the_providers_404() -> None:
    heard = first(STRICT, ask("/v1/models/other", method="GET"))
    assert heard.json["error"] == {
        "message": "The model 'other' does not exist",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }


def test_what_is_invalid_is_the_providers_own_4xx() -> None:
    heard = first("rules: [{reply: x}]", claude(max_tokens=None))
    assert heard.json["error"]["type"] == "invalid_request_error"
    assert heard.rule is None


# --- what consumes counts ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spared",
    [chat(query="fail=503"), BROKEN, HOT],
    ids=["a modifier's error", "unreadable JSON", "what is out of range"],
)
def test_what_does_not_come_to_the_rule_consumes_nothing_of_it(spared: Ask) -> None:
    heard = play(f"{ONCE}\n{OUTAGE}", spared, spared, chat(), chat())
    assert [each.rule for each in heard[2:]] == ["once", "other"]


def test_nor_of_the_rules_that_stood_aside() -> None:
    skipping = f"rules: [{{name: later, skip: 1, reply: x}}, {{name: other, reply: y}}]\n{OUTAGE}"
    heard = play(skipping, chat(query="fail=503"), chat(), chat())
    assert [each.rule for each in heard] == ["outage", "other", "later"]


def test_nor_of_a_sequence() -> None:
    heard = play(f"rules: [{{sequence: [a, b]}}]\n{OUTAGE}", chat(), chat(query="fail=500"), HOT, chat())
    assert [heard[0].text, heard[3].text] == ["a", "b"]


def test_the_modifiers_own_counts_are_consumed_by_what_they_answer() -> None:
    heard = play("rules: [{reply: x}]\nmodifiers: [{times: 2, error: overloaded}]", chat(), chat(), chat())
    assert [each.status for each in heard] == [503, 503, 200]


def test_the_modifiers_own_counts_are_consumed_whatever_answers() -> None:
    twice = "rules: [{match: {user: hi}, reply: x}]\nmodifiers: [{times: 2, headers: {x-m: '1'}}]"
    heard = play(twice, chat("a miss"), HOT, chat())
    assert ["x-m" in each.headers for each in heard] == [True, True, False]


def test_a_fault_that_could_not_be_played_counts_as_applied() -> None:
    broken = "rules: [{reply: a b c}]\nmodifiers: [{times: 1, faults: [{malformed: {at: {chunk: 1}}}]}]"
    heard = play(broken, chat(), chat(stream=True))
    assert "malformed not played" in heard[0].notes
    assert heard[1].answer.faults == ()


def test_an_answer_that_a_template_breaks_is_an_answer() -> None:
    heard = play("rules: [{times: 1, reply: '{{ query.x }}'}, {reply: y}]", chat(), chat(query="x=1"))
    assert [heard[0].status, heard[1].text] == [400, "y"]


# --- a miss --------------------------------------------------------------------------------------


def test_a_miss_is_a_404_in_the_providers_envelope() -> None:
    for asked, kind in ((chat(), "invalid_request_error"), (claude(), "not_found_error")):
        heard = first("rules: [{match: {user: no}, reply: x}]", asked)
        assert (heard.status, heard.rule, heard.answer.missed) == (404, None, True)
        assert heard.json["error"]["type"] == kind


def test_a_miss_names_the_three_nearest_rules_and_what_differed() -> None:
    heard = first(
        """
        rules:
          - {name: far, match: {user: bye, model: claude, stream: true, system: s}, reply: x}
          - {name: near, match: {model: gpt-4, user: hi}, reply: x}
          - {name: also, match: {model: gpt-4o, user: bye}, reply: x}
          - {name: third, match: {model: gpt-4o, user: bye, stream: true}, reply: x}
        """
    )
    lines = heard.message.split("\n")
    assert lines[0] == "No rule answered this request."
    assert lines[1].startswith('s/a.yaml:4 near: model expected "gpt-4", found "gpt-4o" (')
    assert "s/a.yaml:5 also:" in lines[2]
    assert "s/a.yaml:6 third:" in lines[3]
    assert "far" not in heard.message


def test_a_miss_gives_a_hint_where_it_is_only_spelling() -> None:
    heard = first("rules: [{match: {user: Hello}, reply: x}]", chat("hello"))
    assert 'user expected "Hello", found "hello" (' in heard.message


def test_a_miss_without_rules_says_so() -> None:
    assert "no rules are loaded" in first("rules: []").message


ASIDE: list[tuple[str, str, list[Ask], str]] = [
    ("used up", "times: 1", [chat(), chat()], "s/a.yaml:1 it: matched, but used up (times: 1)"),
    (
        "used up by its steps",
        "sequence: [a, b], then: fall_through",
        [chat()] * 3,
        "s/a.yaml:1 it: matched, but used up (times: 2)",
    ),
    ("lost its chance", "chance: 0.5%", [chat()], "s/a.yaml:1 it: matched, but lost its 0.5% chance"),
    ("skipped", "skip: 3", [chat()], "s/a.yaml:1 it: matched, but still skipped (skip: 3)"),
    ("not its turn", "every: 3", [chat()], "s/a.yaml:1 it: matched, but it is not its turn (every: 3)"),
    (
        "its sequence has ended",
        "sequence: [a], then: error",
        [chat()] * 2,
        "s/a.yaml:1 it: matched, but its sequence has ended",
    ),
]


@table("guard, asked, said", ASIDE)
def test_a_miss_says_of_a_rule_that_matched_why_it_did_not_answer(
    guard: str, asked: list[Ask], said: str
) -> None:
    answer = "" if "sequence" in guard else ", reply: x"
    heard = play(f"rules: [{{name: it, {guard}{answer}}}]", *asked)[-1]
    assert heard.status == 404
    assert said in heard.message.split("\n")


def test_the_way_to_a_catch_all_is_told_where_nothing_is_used() -> None:
    assert "use: [default]" in first("rules: []").message
    packed = {
        "a.yaml": "use: [./p]",
        "p/pack.yaml": 'name: p\nversion: "1"',
        "p/a.yaml": "rules: [{match: {user: no}, reply: x}]",
    }
    assert "use:" not in first(packed).message


def test_a_miss_that_is_also_invalid_is_the_providers_4xx() -> None:
    heard = first("rules: []", NO_MODEL)
    assert (heard.status, heard.answer.missed) == (400, False)


def test_a_miss_takes_the_settings_of_the_modifiers_that_apply() -> None:
    heard = first("rules: []\nmodifiers: [{delay: 2s, headers: {x-m: '{{ user }}'}}]")
    assert (heard.status, heard.delay, heard.headers["x-m"]) == (404, 2.0, "hi")


def test_calls_that_do_not_generate_are_answered_by_their_dialect() -> None:
    heard = first(
        "rules: [{match: {model: gpt-mine}, reply: x}, {match: {model: 'gpt-*'}, reply: x}]", models()
    )
    assert heard.status == 200
    assert "gpt-mine" in [each["id"] for each in heard.json["data"]]
    assert "gpt-*" not in heard.bytes.decode()


def test_another_method_on_a_known_path_is_a_405_that_says_which() -> None:
    heard = first("rules: [{reply: x}]", ask("/v1/chat/completions", method="PUT"))
    assert (heard.status, heard.headers["allow"]) == (405, "GET, POST")


# --- fields that nobody knows ----------------------------------------------------------------------


@pytest.mark.parametrize("asking", [chat, claude])
def test_unknown_fields_are_noted_at_most_three(asking: Any) -> None:
    (heard, again, none) = play("rules: [{reply: x}]", asking(foo=1), asking(a=1, b=2, c=3, d=4), asking())
    assert heard.notes == 'unknown field "foo"'
    assert again.notes.splitlines() == ['unknown field "a"', 'unknown field "b"', 'unknown field "c"']
    assert none.notes == ""


@pytest.mark.parametrize("validation", ["lenient", "off"])
def test_they_are_noted_where_validation_is_strict_only(validation: str) -> None:
    assert first(f"validation: {validation}\nrules: [{{reply: x}}]", chat(foo=1)).notes == ""


def test_they_are_noted_however_often_an_answer_is_the_same() -> None:
    heard = play("rules: [{reply: x}]", *[chat(), chat(), chat(), chat(foo=1), chat()])
    assert [each.notes for each in heard] == ["", "", "", 'unknown field "foo"', ""]
