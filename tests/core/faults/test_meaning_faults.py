"""Faults of what an answer says: the reply that they leave, and what they say where there is nothing to break."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from mockllm.core.chance import Chance
from mockllm.core.failure import Failure
from mockllm.core.faults import FAULTS, NotPlayed, ReplyFault, Telling
from mockllm.core.json import Json, JSONDecodeError, dumps, loads
from mockllm.core.plan import Data, Head, Plan
from mockllm.core.reply import (
    Call,
    Choice,
    Finish,
    Native,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    Usage,
    spoken,
)
from mockllm.core.request import Format, Request, Tool
from mockllm.core.template import Scope
from mockllm.core.values import Context, evaluate

SCHEMA: dict[str, Json] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
LOOK = Call("look", ('{"city":', '"Paris"}'))
FIND = Call("find", ('{"city":"Rome"}',))
USAGE = Usage(20, 9, reasoning=3)
TEXT = Text(("One", " two", " three", " four"))
THOUGHT = Thinking(("Hm", "m."))


class Asked(Request):
    """A request that offers tools and may ask for a form."""

    def __init__(self, *tools: Tool, wanted: Format | None = None) -> None:
        super().__init__(method="POST", path="/", headers={})
        vars(self).update(tools=tools, response_format=wanted or Format())


OFFER = Asked(Tool("look", SCHEMA), Tool("find", SCHEMA), Tool("say", kind="custom"), Tool("free"))
FORM = Asked(wanted=Format("schema", "city", SCHEMA))


def fault(name: str, **settings: Any) -> ReplyFault:
    made = FAULTS[name].model_validate(settings)
    assert isinstance(made, ReplyFault)
    return made


def reply(*parts: Part, finish: Finish = "stop", usage: Usage = USAGE) -> Reply:
    return Reply((Choice(parts, finish),), usage)


def told(
    name: str,
    said: Reply,
    request: Request = OFFER,
    *,
    streamed: bool = True,
    seed: int = 0,
    plan: Any = None,
    **settings: Any,
) -> Reply | NotPlayed:
    telling = Telling(request, streamed, Random(seed), plan or _plan)
    return fault(name, **settings).tell(said, telling)


def _plan(said: Reply) -> Plan:
    """A protocol that tells all counts."""
    return Plan(Head(200, ()), (Data(repr(said.usage).encode(), 0, "body"),))


def choice(name: str, said: Reply, request: Request = OFFER, **more: Any) -> Choice:
    """The first choice that is left."""
    made = told(name, said, request, **more)
    assert isinstance(made, Reply), made
    return made.choices[0]


def reason(name: str, said: Reply, request: Request = OFFER, **more: Any) -> str:
    made = told(name, said, request, **more)
    assert isinstance(made, NotPlayed)
    return made.reason


def is_json(text: str) -> bool:
    try:
        loads(text)
    except JSONDecodeError:
        return False
    return True


# --- how it ends ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "settings", "kept"),
    [
        pytest.param(
            "length_stop", {}, Choice((Text(("One", " two", " t")),), "length"), id="cut in the middle"
        ),
        pytest.param(
            "length_stop",
            {"after": {"chunks": 1}},
            Choice((Text(("One",)),), "length"),
            id="cut behind a chunk",
        ),
        pytest.param(
            "length_stop", {"after": {"fraction": "0%"}}, Choice((), "length"), id="cut before it begins"
        ),
        pytest.param(
            "content_filter",
            {"after": {"fraction": 0.2}, "category": "hate"},
            Choice((Text(("One",)),), "content_filter", flagged="hate"),
            id="filtered",
        ),
        pytest.param(
            "refusal", {"text": "No way."}, Choice((Refusal(("No", " way", ".")),), "refusal"), id="refused"
        ),
        pytest.param("empty_answer", {}, Choice((), "stop"), id="empty"),
        pytest.param(
            "empty_answer", {"finish_reason": "length"}, Choice((), "length"), id="empty for its thinking"
        ),
    ],
)
def test_how_it_ends(name: str, settings: dict[str, Any], kept: Choice) -> None:
    assert choice(name, reply(TEXT), **settings) == kept
    assert choice(name, Reply((Choice((TEXT,), stopped_by="x"),) * 2, USAGE), **settings) == kept


def test_a_refusal_comes_behind_the_thinking() -> None:
    assert choice("refusal", reply(THOUGHT, TEXT, LOOK), text="No").parts == (THOUGHT, Refusal(("No",)))


@pytest.mark.parametrize(
    ("name", "settings", "usage"),
    [
        pytest.param("length_stop", {"after": {"chunks": 3}}, Usage(20, 6, reasoning=3), id="less was said"),
        pytest.param("empty_answer", {}, Usage(20, 3, reasoning=1), id="nothing was said or thought"),
        pytest.param("refusal", {"text": "No"}, Usage(20, 6, reasoning=3), id="something else was said"),
        pytest.param(
            "length_stop", {"after": {"chunks": 1}}, Usage(20, 4, reasoning=2), id="less was thought"
        ),
    ],
)
def test_what_is_not_said_is_not_counted(name: str, settings: dict[str, Any], usage: Usage) -> None:
    made = told(name, reply(THOUGHT, TEXT), **settings)
    assert isinstance(made, Reply)
    assert made.usage == usage


def test_counts_of_a_scenario_never_become_less_than_nothing() -> None:
    made = told("empty_answer", reply(TEXT, usage=Usage(1, 2, reasoning=2)))
    assert isinstance(made, Reply)
    assert made.usage == Usage(1, 0)


@pytest.mark.parametrize("name", ["length_stop", "content_filter", "refusal", "empty_answer"])
def test_an_answer_that_breaks_off_has_no_other_end(name: str) -> None:
    said = replace(reply(TEXT), broken=Failure("overloaded"))
    assert reason(name, said) == "the answer breaks off with an error of its own"


def test_an_answer_with_too_few_chunks_is_not_cut() -> None:
    assert reason("length_stop", reply(TEXT), after={"chunks": 5}) == "the answer has fewer than 5 chunks"


def test_an_empty_answer_cannot_be_emptied() -> None:
    assert reason("empty_answer", reply()) == "the answer is empty already"


def test_the_place_of_a_cut_may_be_drawn_and_templated() -> None:
    request = Request(method="POST", path="/", headers={}, query_string="n=2")
    context = Context(Scope(request), Chance(0, "rule", "", 0))
    made = evaluate(fault("length_stop", after={"chunks": "{{ query.n }}"}), context)
    assert choice_of(made).parts == (Text(("One", " two")),)
    drawn = {
        len(choice_of(evaluate(fault("length_stop", after={"fraction": ["10%", "90%"]}), at)).text)
        for at in (Context(Scope(request), Chance(0, "rule", "", tries)) for tries in range(20))
    }
    assert len(drawn) > 5


def choice_of(made: ReplyFault) -> Choice:
    said = made.tell(reply(TEXT), Telling(OFFER, True, Random(0), _plan))
    assert isinstance(said, Reply)
    return said.choices[0]


# --- calls ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("how", ["invalid", "truncated"])
@pytest.mark.parametrize("said", ['{"city":"Paris"}', "{}", "", "5", '["a"]', '"a"', '{"a":1,"b":{"c":"d"}}'])
def test_arguments_are_no_json(said: str, how: str, seed: int) -> None:
    (call,) = choice("bad_tool_arguments", reply(Call("look", (said,))), how=how, seed=seed).calls
    made = spoken(call.pieces)
    assert not is_json(made) or (how, said) == ("truncated", "5")
    assert (call.name, call.id) == ("look", None)
    if how == "truncated":
        assert (said or "{}").startswith(made)


def test_what_is_wrong_with_arguments_is_drawn() -> None:
    made = {
        spoken(choice("bad_tool_arguments", reply(LOOK), seed=seed).calls[0].pieces) for seed in range(30)
    }
    assert made == {'{"city":"Paris",}', "{'city':'Paris'}", '{"city""Paris"}', '{"city":"Paris"};'}


def test_arguments_stay_cut_as_they_were() -> None:
    (call,) = choice("bad_tool_arguments", reply(LOOK), how="truncated").calls
    assert call.pieces == ('{"city":',)


def test_a_tool_that_nobody_offered() -> None:
    (call,) = choice("unknown_tool", reply(LOOK)).calls
    assert call == replace(LOOK, name="look_v2")
    (call,) = choice("unknown_tool", reply(LOOK), tool="delete_all").calls
    assert call.name == "delete_all"


def test_a_made_name_is_offered_by_nobody() -> None:
    (call,) = choice("unknown_tool", reply(LOOK), Asked(Tool("look"), Tool("look_v2"))).calls
    assert call.name == "look_v2_v2"


@pytest.mark.parametrize("name", ["unknown_tool", "bad_tool_arguments"])
def test_one_of_several_calls(name: str) -> None:
    said = reply(TEXT, LOOK, FIND)
    assert choice(name, said, call=2).parts[:2] == (TEXT, LOOK)
    assert choice(name, said, call=2).parts[2] != FIND
    changed = choice(name, said).parts
    assert changed[0] == TEXT
    assert (changed[1] != LOOK, changed[2] != FIND) == (True, True)


@pytest.mark.parametrize(
    ("name", "said", "settings", "why"),
    [
        pytest.param("unknown_tool", reply(TEXT), {}, "the answer calls no tool", id="no call"),
        pytest.param(
            "bad_tool_arguments", reply(TEXT), {"call": 1}, "the answer calls no tool", id="no first call"
        ),
        pytest.param(
            "unknown_tool", reply(LOOK), {"call": 2}, "the answer has only 1 call", id="no second call"
        ),
        pytest.param(
            "unknown_tool", reply(LOOK, FIND), {"call": 3}, "the answer has only 2 calls", id="no third call"
        ),
        pytest.param(
            "unknown_tool",
            reply(LOOK),
            {"tool": "find"},
            "the request offers a tool called find",
            id="a name that is offered",
        ),
        pytest.param(
            "bad_tool_arguments",
            reply(Call("look", ("{",))),
            {},
            "the arguments of look are no JSON already",
            id="broken already",
        ),
        pytest.param(
            "bad_tool_arguments",
            reply(Call("say", ("hello",))),
            {},
            "say takes free text, which is never invalid",
            id="free text",
        ),
        pytest.param("unknown_tool", Reply(()), {}, "the answer calls no tool", id="no choice"),
    ],
)
def test_calls_that_cannot_be_broken(name: str, said: Reply, settings: dict[str, Any], why: str) -> None:
    assert reason(name, said, **settings) == why


# --- schemas -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "made"),
    [("any", {}), ("missing", {}), ("type", {"city": 7})],
)
def test_arguments_break_the_tool_s_schema(how: str, made: Json) -> None:
    (call,) = choice("wrong_schema", reply(LOOK), how=how).calls
    assert loads(spoken(call.pieces)) == made


@pytest.mark.parametrize("streamed", [True, False])
def test_structured_output_breaks_the_schema(streamed: bool) -> None:
    said = reply(THOUGHT, Text(('{"city":', '"Paris"}'), tokens=2))
    assert choice("wrong_schema", said, FORM, how="type", streamed=streamed).parts == (
        THOUGHT,
        Text(('{"city":', "7}")),
    )


def test_what_a_whole_answer_says_instead_is_what_is_broken() -> None:
    said = reply(Text(("no", " json"), whole=dumps({"city": "Rome"}).decode()))
    assert choice("wrong_schema", said, FORM, streamed=False).text == "{}"
    assert reason("wrong_schema", said, FORM) == "the text is no JSON"


@pytest.mark.parametrize(
    ("said", "request_", "settings", "why"),
    [
        pytest.param(
            reply(TEXT), OFFER, {}, "the answer calls no tool, and the request asks for no schema", id="text"
        ),
        pytest.param(reply(TEXT), FORM, {}, "the text is no JSON", id="no JSON"),
        pytest.param(reply(Refusal(("No",))), FORM, {}, "the answer has no text", id="no text"),
        pytest.param(
            reply(Text(("{}",))), FORM, {}, "the text breaks the schema already", id="a text that breaks it"
        ),
        pytest.param(
            reply(Call("look", ("",))),
            OFFER,
            {},
            "the arguments of look break the schema already",
            id="empty arguments",
        ),
        pytest.param(
            reply(Call("look", ("{",))), OFFER, {}, "the arguments of look are no JSON", id="broken ones"
        ),
        pytest.param(
            reply(LOOK),
            OFFER,
            {"how": "extra"},
            "the schema forbids nothing of this way (extra)",
            id="not this way",
        ),
        pytest.param(
            reply(LOOK), Asked(Tool("look", True)), {}, "the schema forbids nothing", id="a schema of all"
        ),
        pytest.param(
            reply(Call("nope", ("{}",))),
            OFFER,
            {},
            "the request has no schema for nope",
            id="an unknown tool",
        ),
        pytest.param(
            reply(Call("free", ("{}",))), OFFER, {}, "the request has no schema for free", id="no schema"
        ),
        pytest.param(
            reply(Call("say", ("a",))), OFFER, {}, "the request has no schema for say", id="free text"
        ),
        pytest.param(
            reply(LOOK),
            Asked(Tool("look", {"pattern": "("})),
            {},
            "the schema cannot be used",
            id="a bad schema",
        ),
    ],
)
def test_what_no_schema_can_be_broken_of(
    said: Reply, request_: Request, settings: dict[str, Any], why: str
) -> None:
    assert reason("wrong_schema", said, request_, **settings).startswith(why)


# --- usage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "settings", "usage"),
    [
        pytest.param("no_usage", {}, replace(USAGE, told="missing"), id="not there"),
        pytest.param("no_usage", {"how": "null"}, replace(USAGE, told="null"), id="null"),
        pytest.param("wrong_usage", {}, replace(USAGE, output=90, stated=29), id="ten times as much"),
        pytest.param("wrong_usage", {"total_tokens": 5}, replace(USAGE, stated=5), id="another total"),
        pytest.param(
            "wrong_usage",
            {"input_tokens": -1, "output_tokens": 2, "cached_tokens": 99, "reasoning_tokens": 50},
            Usage(-1, 2, cached_read=99, reasoning=50, stated=29),
            id="everything",
        ),
    ],
)
def test_counts_that_are_wrong_or_not_there(name: str, settings: dict[str, Any], usage: Usage) -> None:
    made = told(name, reply(TEXT), **settings)
    assert isinstance(made, Reply)
    assert (made.usage, made.choices) == (usage, reply(TEXT).choices)


def test_counts_of_nothing_are_wrong_too() -> None:
    made = told("wrong_usage", reply(usage=Usage(3, 0)))
    assert isinstance(made, Reply)
    assert made.usage == Usage(3, 10, stated=3)


@pytest.mark.parametrize("name", ["no_usage", "wrong_usage"])
def test_what_a_protocol_does_not_tell_is_not_played(name: str) -> None:
    silent = Plan(Head(200, ()), ())
    assert reason(name, reply(TEXT), plan=lambda _: silent) == "the answer does not tell it"


def test_a_usage_is_told_as_null_or_not_at_all() -> None:
    said = {"usage": {"a": 1}, "b": 2}
    assert Usage(1, 1).tell(dict(said), "usage") == said
    assert Usage(1, 1, told="null").tell(dict(said), "usage") == {"usage": None, "b": 2}
    assert Usage(1, 1, told="missing").tell(dict(said), "usage") == {"b": 2}
    assert Usage(1, 1, told="missing").tell({"b": 2}, "usage") == {"b": 2}


# --- all of them ---------------------------------------------------------------------------------

MEANINGS = [
    "content_filter",
    "refusal",
    "length_stop",
    "empty_answer",
    "bad_tool_arguments",
    "unknown_tool",
    "wrong_schema",
    "wrong_usage",
    "no_usage",
]


@pytest.mark.parametrize("name", MEANINGS)
def test_what_is_no_reply_has_no_meaning(name: str) -> None:
    assert fault(name).play(Plan(Head(500, ()), ())) == NotPlayed("the answer is no reply")


@pytest.mark.parametrize("name", MEANINGS)
def test_the_same_seed_breaks_the_same(name: str) -> None:
    said = reply(THOUGHT, TEXT, LOOK, FIND, Native("openai", {"type": "x"}))
    assert told(name, said, seed=5) == told(name, said, seed=5)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("length_stop", {"after": {}}),
        ("length_stop", {"after": {"chunks": 1, "fraction": 0.5}}),
        ("length_stop", {"after": {"chunks": -1}}),
        ("content_filter", {"category": "rude"}),
        ("empty_answer", {"finish_reason": "bored"}),
        ("bad_tool_arguments", {"how": "odd"}),
        ("bad_tool_arguments", {"call": 0}),
        ("wrong_usage", {"total_tokens": "5"}),
        ("refusal", {"words": "No"}),
    ],
)
def test_settings_that_do_not_fit_are_refused(name: str, settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        fault(name, **settings)
