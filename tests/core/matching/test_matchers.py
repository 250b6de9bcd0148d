"""Matchers and the fields they read: every field of the language, all, any, not, captures and results of tests."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import MISSING
from mockllm.core.json.jsonpath import JsonPathError, compile_path
from mockllm.core.matching.conditions import (
    AllOf,
    AtPath,
    Compare,
    Condition,
    Contains,
    Each,
    EndsWith,
    Equals,
    Exists,
    Glob,
    Length,
    Members,
    OneOf,
    Regex,
    Some,
    StartsWith,
)
from mockllm.core.matching.fields import FIELDS
from mockllm.core.matching.matchers import (
    AllMatcher,
    AnyMatcher,
    Field,
    FieldMatcher,
    FieldTestResult,
    Matcher,
    NotMatcher,
    captures,
    matched_tool_result,
    rank_key,
    slow_regexes,
)
from mockllm.core.request.request import Request
from tests.core.json_requests import JsonRequest, json_request

BODY = {
    "model": "gpt-4o",
    "messages": [
        ["system", "Be kind."],
        ["user", "What is order 12?"],
        ["assistant", "A parcel."],
        ["tool", ['{"temperature": 21}', "sunny"]],
        ["user", "And order 34?"],
        ["user", None],
    ],
    "tools": ["get_weather", "get_news"],
    "tool_choice": ["get_weather", "get_time"],
    "schema_name": "answer",
    "stream": True,
    "temperature": 1,
    "a": [{"b": 1}, {"b": 2}],
}
FULL = json_request(
    BODY,
    headers={"host": "localhost:8080", "x-api-key": "sk-1", "x-case": "7"},
    query_string="fail=500&empty=",
    session="s-1",
)
PLAIN = Request(method="GET", path="/nowhere", headers={})


@pytest.mark.parametrize(
    ("field", "condition", "full", "plain"),
    [
        (Field("method"), Equals("POST"), True, False),
        (Field("path"), Glob("/v1/*"), True, False),
        (Field("query", "fail"), Equals("500"), True, False),
        (Field("query", "empty"), Exists(True), True, False),
        (Field("headers", "X-Case"), Equals("7"), True, False),
        (Field("headers", "x-other"), Exists(False), True, True),
        (Field("host"), StartsWith("localhost"), True, False),
        (Field("api_key"), Equals("sk-1"), True, False),
        (Field("session"), Equals("s-1"), True, False),
        (Field("session"), Exists(False), False, True),
        (Field("hash"), Length(Equals(64)), True, True),
        (Field("older_hash"), Length(Equals(64)), True, False),
        (Field("older_hash"), Exists(False), False, True),
        (Field("provider"), Glob("open*"), True, False),
        (Field("dialect"), Equals("openai"), True, False),
        (Field("dialect"), Exists(False), False, True),
        (Field("api"), OneOf((Equals("messages"), Equals("chat"))), True, False),
        (Field("generates"), Equals(True), True, False),
        (Field("model"), Glob("gpt-*"), True, False),
        (Field("model"), Exists(False), False, True),
        (Field("stream"), Equals(True), True, False),
        (Field("stream"), Equals(False), False, True),
        (Field("system"), Contains("kind"), True, False),
        (Field("user"), Equals(""), True, False),
        (Field("user"), Exists(False), False, True),
        (Field("turn"), Equals(2), True, False),
        (Field("turn"), Compare("lt", 2), False, True),
        (Field("messages"), Length(Compare("gte", 6)), True, False),
        (Field("messages"), Length(Equals(0)), False, True),
        (Field("messages"), Exists(False), False, True),
        (Field("messages"), Some(Members({"role": Equals("user"), "text": EndsWith("12?")})), True, False),
        (Field("messages"), Each(Members({"role": Equals("user")})), False, False),
        (Field("tools"), Equals("get_news"), True, False),
        (Field("tools"), Glob("get_*"), True, False),
        (Field("tools"), Exists(False), False, True),
        (Field("tools"), Length(Equals(2)), True, False),
        (Field("uncalled"), Equals("get_weather"), True, False),
        (Field("uncalled"), Equals("get_news"), False, False),
        (Field("mentioned"), Exists(False), True, True),
        (Field("tool_choice"), Equals("named"), True, False),
        (Field("tool_choice"), Equals("auto"), False, True),
        (Field("tool_choice"), Members({"name": Equals("get_time")}), True, False),
        (Field("tool_choice"), Members({"name": Equals("get_news")}), False, False),
        (Field("tool_choice"), OneOf((Equals("auto"), Members({"name": Glob("*_time")}))), True, True),
        (Field("response_format"), Equals("schema"), True, False),
        (Field("response_format"), Equals("text"), False, True),
        (Field("response_format"), Members({"name": Equals("answer")}), True, False),
        (Field("response_format"), Members({"other": Exists(True)}), False, False),
        (Field("has_image"), Equals(True), True, False),
        (Field("typed"), Contains("?"), True, False),
        (Field("thinking_returned"), Exists(False), False, True),
        (Field("form", "model"), Exists(False), True, True),
        (Field("input_tokens"), Compare("gt", 3), True, False),
        (Field("body", "$.temperature"), Equals(1.0), True, False),
        (Field("body", "$.a[-1].b"), Equals(2), True, False),
        (Field("body", "$.a[*].b"), Each(Compare("gt", 0)), True, False),
        (Field("body", "$.a[*].b"), Some(Equals(2)), True, False),
        (Field("body", "$.a[*].c"), Exists(False), True, True),
        (Field("body", "$.nothing"), Exists(False), True, True),
        (Field("body", "$"), Exists(True), True, False),
        (Field("raw_body"), Contains('"temperature": 1'), True, False),
        (Field("raw_body"), Equals(""), False, True),
    ],
    ids=lambda case: (
        str(case) if isinstance(case, Field) else case.describe() if isinstance(case, Condition) else ""
    ),
)
def test_field_reads_value(field: Field, condition: Condition, full: bool, plain: bool) -> None:
    test = FieldMatcher(field, condition)
    assert [test.matches(FULL), test.matches(PLAIN)] == [full, plain]
    assert [test.matches(FULL), test.matches(PLAIN)] == [full, plain]


def test_field_cases_are_complete() -> None:
    cases = test_field_reads_value.pytestmark[0].args[1]  # type: ignore[attr-defined]
    tested = {case[0].name for case in cases} | {"tool_result", "mcp", "arguments", "responses"}
    assert tested == set(FIELDS), "add cases of the field to test_field_reads_value"


RESULTS = json_request({"messages": [["user", "hi"], ["tool", ['{"temperature": 21}', "sunny"]]]})


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Exists(True), True),
        (Exists(False), False),
        (Length(Equals(2)), True),
        (Members({"name": Equals("get_weather")}), True),
        (Members({"name": Equals("get_news")}), False),
        (Members({"id": Equals("id-sunny"), "text": Equals("sunny")}), True),
        (Members({"json": AtPath(compile_path("$.temperature"), Compare("gt", 20))}), True),
        (Members({"json": AtPath(compile_path("$.temperature"), Compare("gt", 30))}), False),
        (Members({"json": Exists(False)}), True),
        (Members({"text": Equals("sunny"), "json": Exists(True)}), False),
        (Members({"is_error": Equals(False)}), True),
        (Members({"is_error": Equals(True)}), False),
        (Members({"other": Exists(False)}), True),
    ],
)
def test_tool_result_matches_any_of_several(condition: Condition, expected: bool) -> None:
    test = FieldMatcher(Field("tool_result"), condition)
    assert test.matches(RESULTS) is expected
    assert FieldMatcher(Field("tool_result"), Exists(False)).matches(PLAIN)


def test_tool_result_is_displayed_by_its_text() -> None:
    (result,) = FieldMatcher(Field("tool_result"), Equals("rain")).test_results(RESULTS)
    assert result.actual == '[get_weather: {"temperature": 21}, get_weather: sunny]'


@pytest.mark.parametrize(
    ("name", "key", "message"),
    [
        ("modle", None, "there is no field 'modle'"),
        ("body", None, "body needs a key"),
        ("model", "x", "model has no key"),
        ("body", "temperature", "temperature: a JSONPath begins with $"),
    ],
)
def test_field_with_unknown_name_or_key_raises(name: str, key: str | None, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("$", r"\$")):
        Field(name, key)
    assert issubclass(JsonPathError, ValueError)


GPT = FieldMatcher(Field("model"), Glob("gpt-*"))
CLAUDE = FieldMatcher(Field("model"), Glob("claude-*"))
LOUD = FieldMatcher(Field("user"), Contains("LOUD"))
POST = FieldMatcher(Field("method"), Equals("POST"))


@pytest.mark.parametrize(
    ("matcher", "expected", "distance"),
    [
        (AllMatcher(()), True, (0, 0)),
        (AllMatcher((GPT, POST)), True, (0, -2)),
        (AllMatcher((GPT, LOUD)), False, (1, -1)),
        (AnyMatcher(()), False, (1, 0)),
        (AnyMatcher((CLAUDE, GPT)), True, (0, -1)),
        (AnyMatcher((CLAUDE, LOUD)), False, (1, 0)),
        (AnyMatcher((AllMatcher((CLAUDE, LOUD)), AllMatcher((CLAUDE, POST)))), False, (1, -1)),
        (NotMatcher(CLAUDE), True, (0, -1)),
        (NotMatcher(GPT), False, (1, 0)),
        (NotMatcher(FieldMatcher(Field("headers", "x"), Equals("1"))), True, (0, -1)),
    ],
)
def test_matcher_all_any_not(matcher: Matcher, expected: bool, distance: tuple[int, int]) -> None:
    assert matcher.matches(FULL) is expected
    results = matcher.test_results(FULL)
    assert rank_key(results) == distance
    assert all(result.matched for result in results) is expected
    assert sum(not result.matched for result in results) == distance[0]


def test_matcher_results_show_expected_and_actual() -> None:
    matcher = AllMatcher(
        (
            POST,
            FieldMatcher(Field("model"), Equals("gpt-4O")),
            AnyMatcher((CLAUDE, FieldMatcher(Field("headers", "X-Case"), Equals("8")))),
            NotMatcher(AllMatcher((GPT, POST))),
        )
    )
    assert matcher.test_results(FULL) == [
        FieldTestResult("method", '"POST"', '"POST"', None, True),
        FieldTestResult("model", '"gpt-4O"', '"gpt-4o"', "only the case differs", False),
        FieldTestResult("model", 'like "claude-*"', '"gpt-4o"', None, False),
        FieldTestResult(
            "model, method", 'not (model like "gpt-*" and method "POST")', '"gpt-4o", "POST"', None, False
        ),
    ]
    assert AnyMatcher(()).test_results(FULL) == [
        FieldTestResult("any", "one of none", "nothing", None, False)
    ]


def test_matcher_describes_itself() -> None:
    matcher = AllMatcher(
        (
            GPT,
            AnyMatcher((LOUD, AllMatcher((POST, NotMatcher(CLAUDE))))),
            FieldMatcher(Field("body", "$.n"), Exists(True)),
        )
    )
    assert matcher.describe() == (
        'model like "gpt-*" and (user contains "LOUD" or (method "POST" and not (model like "claude-*")))'
        " and body[$.n] anything"
    )


ORDER = Regex(r"order (?P<number>\d+)(?P<mark>\?)?(?P<none>x)?")
TEXTS = json_request(
    {"model": "gpt-4o", "messages": [["user", "order 12"], ["user", "my order 34?"]], "tools": ["get_a", "b"]}
)


@pytest.mark.parametrize(
    ("matcher", "caught"),
    [
        (GPT, {}),
        (
            FieldMatcher(Field("user"), ORDER),
            {"0": "order 34?", "1": "34", "2": "?", "number": "34", "mark": "?"},
        ),
        (FieldMatcher(Field("tools"), Regex("get_(.)")), {"0": "get_a", "1": "a"}),
        (
            AllMatcher(
                (FieldMatcher(Field("model"), Regex("gpt-(4)")), FieldMatcher(Field("user"), Regex("(my)")))
            ),
            {"0": "gpt-4", "1": "4"},
        ),
        (AnyMatcher((CLAUDE, FieldMatcher(Field("user"), Regex("(my)")), GPT)), {"0": "my", "1": "my"}),
        (AnyMatcher((CLAUDE,)), {}),
        (NotMatcher(FieldMatcher(Field("user"), Regex("(absent)"))), {}),
        (FieldMatcher(Field("user"), OneOf((Regex("(absent)"), Regex("(m)y")))), {"0": "my", "1": "m"}),
        (FieldMatcher(Field("user"), OneOf((Regex("(absent)"),))), {}),
        (
            FieldMatcher(Field("user"), AllOf((Regex("(?P<a>m)y"), Regex("(?P<b>order)")))),
            {"0": "my", "1": "m", "a": "m", "b": "order"},
        ),
        (
            FieldMatcher(Field("messages"), Some(Members({"text": Regex("order (1.)")}))),
            {"0": "order 12", "1": "12"},
        ),
        (FieldMatcher(Field("messages"), Some(Members({"text": Regex("absent")}))), {}),
        (FieldMatcher(Field("body", "$"), AtPath(compile_path("$.model"), Regex("^g"))), {"0": "g"}),
        (FieldMatcher(Field("body", "$.model"), Some(Regex("^g"))), {}),
        (FieldMatcher(Field("body", "$.tools"), Regex("^g")), {}),
    ],
)
def test_captures_of_regex_groups(matcher: Matcher, caught: dict[str, str]) -> None:
    assert captures(matcher, TEXTS) == caught


def test_matched_result_is_the_first_that_matches() -> None:
    rain, sunny = (
        FieldMatcher(Field("tool_result"), Members({"text": Equals(text)})) for text in ("rain", "sunny")
    )
    assert (
        matched_tool_result(AllMatcher((AnyMatcher((rain, sunny)), POST)), RESULTS) == RESULTS.tool_results[1]
    )
    assert (
        matched_tool_result(FieldMatcher(Field("tool_result"), Exists(True)), RESULTS)
        == RESULTS.tool_results[0]
    )
    assert matched_tool_result(FieldMatcher(Field("tool_result"), Length(Equals(2))), RESULTS) is None
    assert matched_tool_result(POST, RESULTS) is None
    assert matched_tool_result(FieldMatcher(Field("tool_result"), Exists(False)), json_request({})) is None


def test_slow_regexes_have_no_literal_on_long_fields() -> None:
    slow = Regex("[a-z]+")
    matcher = AllMatcher(
        (
            FieldMatcher(Field("user"), OneOf((slow, Regex("order")))),
            FieldMatcher(Field("model"), Regex("[0-9]")),
            NotMatcher(FieldMatcher(Field("messages"), Some(Members({"text": AllOf((slow,))})))),
            AnyMatcher((FieldMatcher(Field("body", "$"), AtPath(compile_path("$.a"), Each(slow))), POST)),
        )
    )
    assert [(str(field), regex) for field, regex in slow_regexes(matcher)] == [
        ("user", slow),
        ("messages", slow),
        ("body[$]", slow),
    ]


def test_field_messages_is_read_once() -> None:
    request = json_request(BODY)
    field = Field("messages")
    assert field.read(request) is field.read(request)
    several = Field("body", "$.a[*].b")
    assert several.read(request) is several.read(request) == [1, 2]
    assert Field("body", "$.a[*].c").read(request) is MISSING


def test_fields_with_equal_name_and_key_are_equal() -> None:
    assert Field("headers", "X-A") == Field("headers", "x-a") != Field("headers", "x-b")
    assert isinstance(FULL, JsonRequest)


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        (Field("api_key"), "one that is not shown"),
        (Field("headers", "Authorization"), "one that is not shown"),
        (Field("headers", "x-other"), '"plain"'),
        (Field("headers", "cookie"), "missing"),
        (Field("query", "key"), "one that is not shown"),
        (Field("query", "page"), '"7"'),
    ],
    ids=str,
)
def test_matcher_difference_hides_keys(field: Field, shown: str) -> None:
    headers = {"authorization": "Bearer my-own-key", "x-other": "plain"}
    request = json_request({}, headers=headers, query_string="key=my-other-key&page=7")
    for matcher in (FieldMatcher(field, Equals("x")), FieldMatcher(field, Regex("^y"))):
        (result,) = matcher.test_results(request)
        assert (result.actual, result.matched) == (shown, False)
        assert "my-" not in str(result)
