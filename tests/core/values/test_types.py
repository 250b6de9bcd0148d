"""The language's types of values: accepted values, messages and schemas."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from mockllm.core.json.codec import Json
from mockllm.core.quantities.parse import (
    BoundedDistribution,
    ChunkSize,
    Empirical,
    Exponential,
    Integers,
    LogNormal,
    Normal,
    Uniform,
)
from mockllm.core.randomness import Randomness
from mockllm.core.request.request import Request
from mockllm.core.templates.template import SubstitutedText, TemplateFailure, TemplateScope
from mockllm.core.values.types import (
    ChunkSizeField,
    Drawable,
    DrawnNumber,
    Duration,
    EvaluationContext,
    Expression,
    Probability,
    Spread,
    Templated,
    TemplatedJson,
    evaluate,
    is_static,
)

Status = Annotated[int, Field(ge=400, le=599)]


class Model(BaseModel):
    """One of each."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    whole: Templated[int] = 0
    number: Templated[float] = 0.0
    text: Templated[str] = ""
    flag: Templated[bool] = False
    status: Templated[Status] = 500
    wait: Templated[Duration] = 0.0
    chance: Templated[Probability] = 0.0
    chunk: Templated[ChunkSizeField] | None = None
    word: Templated[Literal["end", "go_on"]] = "end"
    many: Templated[tuple[int, ...]] = ()
    plain: Duration = 0.0
    odds: Probability = 0.0
    drawn: Drawable[Duration] = 0.0
    count: Drawable[int] = 1
    speed: Drawable[float] = 1.0
    gap: Spread[Duration] = 0.0


def read(key: str, value: object, **context: Any) -> Any:
    return getattr(Model.model_validate({key: value}, context=context or None), key)


def message(key: str, value: object, **context: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        read(key, value, **context)
    (error,) = caught.value.errors()
    assert error["loc"][0] == key
    return error["msg"]


def context(query: str = "", **params: Json) -> EvaluationContext:
    request = Request(method="POST", path="/", headers={}, query_string=query)
    return EvaluationContext(TemplateScope(request, params), Randomness(0, "rule", "", 0))


def converted(key: str, value: Json) -> object:
    """What a place of the model makes of a template's value."""
    return evaluate(read(key, "{{ v }}"), context(v=value))


@pytest.mark.parametrize(
    ("key", "value", "built"),
    [
        ("whole", 3, 3),
        ("number", 2, 2.0),
        ("text", "plain", "plain"),
        ("flag", True, True),
        ("status", 429, 429),
        ("wait", "300ms", 0.3),
        ("chance", "5%", 0.05),
        ("chance", 1, 1.0),
        ("chunk", "4 tokens", ChunkSize(4, "tokens")),
        ("chunk", 7, ChunkSize(7, "characters")),
        ("chunk", None, None),
        ("word", "go_on", "go_on"),
        ("plain", "2s", 2.0),
        ("odds", 0.5, 0.5),
        ("drawn", "2s", 2.0),
        ("count", 4, 4),
        ("speed", 40, 40.0),
        ("gap", "20ms", 0.02),
    ],
)
def test_type_parses_constant_at_load(key: str, value: object, built: object) -> None:
    found = read(key, value)
    assert found == built
    assert type(found) is type(built)
    assert is_static(found)


NO_UNIT = 'has no unit; write "300ms", "2s" or "1m"'


@pytest.mark.parametrize(
    ("key", "value", "content"),
    [
        ("whole", "3", "Input should be a valid integer"),
        ("whole", True, "Input should be a valid integer"),
        ("status", 200, "Input should be greater than or equal to 400"),
        ("wait", 300, f"300 {NO_UNIT}"),
        ("wait", 0.5, f"0.5 {NO_UNIT}"),
        ("wait", "300", f"300 {NO_UNIT}"),
        ("wait", True, 'not a duration; write "300ms", "2s" or "1m"'),
        ("plain", "soon", '"soon" is not a duration; write "300ms", "2s" or "1m"'),
        ("plain", "{{ query.x }}", '"{{ query.x }}" is not a duration; write "300ms", "2s" or "1m"'),
        ("chance", "often", '"often" is not a probability; write "5%" or 0.05'),
        ("chance", [1], 'not a probability; write "5%" or 0.05'),
        ("odds", 7, '7 is not between 0 and 1; write "7%"'),
        ("chunk", "4 lines",
         '"4 lines" is not a chunk size; write "4 tokens", "10 characters", "1 word" or "2 sentences"'),
        ("chunk", 1.5, 'not a chunk size; write "4 tokens", "10 characters", "1 word" or "2 sentences"'),
        ("word", "stop", "Input should be 'end' or 'go_on'"),
        ("drawn", 5, f"5 {NO_UNIT}"),
        ("drawn", [1, 2], f"1 {NO_UNIT}"),
        ("drawn", ["1s"], "a range has two ends: write [low, high]"),
        ("drawn", {"uniform": "1s"}, "a range has two ends: write [low, high]"),
        ("drawn", ["2s", "1s"], "the range [2s, 1s] is upside down: the lower end comes first"),
        ("drawn", {"normal": {"mean": "1s"}}, "write normal: {mean: …, stddev: …} (and min, max)"),
        ("drawn", {"normal": "1s"}, "write normal: {mean: …, stddev: …} (and min, max)"),
        ("drawn", {"exponential": {"mean": "1s", "maximum": "2s"}},
         "write exponential: {mean: …} (and min, max)"),
        ("drawn", {"exponential": {"mean": "1s", "min": "2s", "max": "1s"}},
         "min is above max"),
        ("drawn", {"exponential": {"mean": 1}}, f"1 {NO_UNIT}"),
        ("drawn", {"lognormal": {"median": "2s", "p99": "1s"}},
         "a lognormal's median is more than 0, and its p99 not less than that"),
        ("drawn", {"lognormal": {"median": "0s", "p99": "1s"}},
         "a lognormal's median is more than 0, and its p99 not less than that"),
        ("drawn", {"empirical": []}, "an empirical distribution needs at least one value"),
        ("drawn", {"empirical": "gaps.txt"},
         "write empirical: [value, value, …], or the name of a file with such values"),
    ],
)  # fmt: skip
def test_type_of_invalid_value_has_one_message(key: str, value: object, content: str) -> None:
    assert message(key, value) == content


def test_unknown_distribution_has_suggestion() -> None:
    assert message("drawn", {"normall": 1}).startswith(
        'unknown distribution "normall"; did you mean "normal"? ('
    )
    assert message("drawn", {"zipf": 1}).startswith(
        'unknown distribution "zipf" (expected a value, [low, high]'
    )
    assert message("drawn", {"normal": 1, "uniform": 2}).startswith(
        "expected a value, [low, high], or one of"
    )
    assert message("drawn", {}).startswith("expected a value, [low, high], or one of")


# --- templates -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "built"),
    [
        ("whole", "429", 429),
        ("whole", 429, 429),
        ("whole", "18446744073709551615", 2**64 - 1),
        ("whole", "-9223372036854775808", -(2**63)),
        ("number", "2.5", 2.5),
        ("number", 2, 2.0),
        ("flag", "true", True),
        ("flag", False, False),
        ("text", 5, "5"),
        ("text", True, "true"),
        ("text", {"a": 1}, '{"a":1}'),
        ("status", "404", 404),
        ("wait", "300ms", 0.3),
        ("chance", "5%", 0.05),
        ("chance", 0.5, 0.5),
        ("chunk", "4 tokens", ChunkSize(4, "tokens")),
        ("chunk", 3, ChunkSize(3, "characters")),
        ("word", "go_on", "go_on"),
        ("drawn", "1m", 60.0),
        ("count", "7", 7),
        ("gap", "2s", 2.0),
    ],
)
def test_template_value_is_converted_to_type_of_place(key: str, value: Json, built: object) -> None:
    found = converted(key, value)
    assert found == built
    assert type(found) is type(built)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("whole", "abc", '"abc" is not a whole number'),
        ("whole", 2.5, "2.5 is not a whole number"),
        ("whole", "1_000", '"1_000" is not a whole number'),
        ("whole", True, "true is not a whole number"),
        ("whole", None, "null is not a whole number"),
        ("number", "abc", '"abc" is not a number'),
        ("number", "1_0.5", '"1_0.5" is not a number'),
        ("number", False, "false is not a number"),
        ("flag", "maybe", '"maybe" is not true or false'),
        ("status", "200", '"200" is not at least 400'),
        ("status", 700, "700 is not at most 599"),
        ("wait", "abcms", '"abcms" is not a duration; write "300ms", "2s" or "1m"'),
        ("wait", 300, f"300 {NO_UNIT}"),
        ("wait", "300", f"300 {NO_UNIT}"),
        ("wait", [], 'not a duration; write "300ms", "2s" or "1m"'),
        ("chance", "2", '2 is not between 0 and 1; write "2%"'),
        ("word", "stop", "\"stop\" is not one of 'end' or 'go_on'"),
        ("many", "abc", '"abc" does not fit: Input should be a valid tuple'),
        ("whole", "18446744073709551616", '"18446744073709551616" is beyond 64 bits'),
        ("whole", "-9223372036854775809", '"-9223372036854775809" is beyond 64 bits'),
        ("number", "inf", '"inf" is not a finite number'),
        ("number", "nan", '"nan" is not a finite number'),
        ("speed", "-1e999", '"-1e999" is not a finite number'),
        ("whole", "x" * 99, '"' + "x" * 40 + '" is not a whole number'),
    ],
)
def test_template_unsuitable_value_fails_the_request(key: str, value: Json, reason: str) -> None:
    with pytest.raises(TemplateFailure) as caught:
        converted(key, value)
    assert caught.value.reason == reason


def test_template_failure_names_query_parameter() -> None:
    with pytest.raises(TemplateFailure) as caught:
        evaluate(read("wait", "{{ query.delay }}ms", origin="a.yaml"), context("delay=abc"))
    failure = caught.value
    assert (failure.query, failure.origin, failure.expression) == ("delay", "a.yaml", "{{ query.delay }}ms")
    assert evaluate(read("wait", "{{ query.delay }}ms"), context("delay=250")) == 0.25


def test_template_outside_subset_fails_at_load() -> None:
    assert message("whole", "{{ f() }}").startswith("templates have no calls")
    assert message("gap", "{{ model").startswith("not a template: unexpected end")


def test_origin_may_be_a_function_of_the_text() -> None:
    found = read("text", "{{ user }}", origin={"{{ user }}": "a.yaml:3:7"}.get)
    assert found.template.origin == "a.yaml:3:7"


def test_template_names_are_checked_with_known_parameters() -> None:
    assert (
        message("text", "{{ modle }}", params=["city"])
        == 'unknown name "modle" in a template; did you mean "model"?'
    )
    assert (
        message("text", "{{ citi }}", params=["city"])
        == 'unknown name "citi" in a template; did you mean "city"?'
    )
    assert message("text", "{{ zzzzz }}", params=["city"]) == (
        'unknown name "zzzzz" in a template; there are model, user, typed, system, messages, turn, tools, '
        "tool_result, tool_results, query, headers, path, body, session, now, match, mcp, city"
    )
    assert isinstance(read("text", "{{ city }} {{ user }}", params=["city"]), Expression)


def test_literal_text_is_not_a_template() -> None:
    assert read("text", "{{ model }}", literal=True) == "{{ model }}"


def test_dynamic_value_is_accepted_unchanged() -> None:
    expression = read("whole", "{{ turn }}")
    assert read("whole", expression) is expression
    assert read("gap", Normal(1, 1)) == Normal(1, 1)
    drawn = read("drawn", ["1s", "2s"])
    assert read("drawn", drawn) is drawn


def test_parameter_value_with_braces_is_text() -> None:
    assert read("text", SubstitutedText("{{ model }}", None)) == "{{ model }}"
    expression = read("text", SubstitutedText("{{ x }} {{ v }}", "{{ '{{ x }}' }} {{ v }}"))
    assert evaluate(expression, context(v="read")) == "{{ x }} read"


def test_request_wait_is_limited_to_maximum() -> None:
    wait = read("wait", "{{ query.delay }}")
    sent = context("delay=1h")
    assert evaluate(wait, sent) == 3600.0
    assert evaluate(wait, replace(sent, max_wait=60.0)) == 60.0
    assert evaluate(read("whole", "{{ v }}"), replace(context(v=3600), max_wait=60.0)) == 3600


@pytest.mark.parametrize(
    ("written", "built"),
    [
        pytest.param("{{ v }}", [1, "x"], id="a template's value keeps its type"),
        pytest.param("Hi {{ v }}", 'Hi [1,"x"]', id="inside a text it is written as JSON"),
        pytest.param({"a": ["{{ v }}", 1], "b": True}, {"a": [[1, "x"], 1], "b": True}, id="at any depth"),
        pytest.param(
            {"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}, id="JSON without a template is a constant"
        ),
        pytest.param(2.5, 2.5, id="a number is a constant"),
    ],
)
def test_json_texts_may_be_templates(written: Json, built: Json) -> None:
    tree: Any = TypeAdapter(TemplatedJson[JsonValue]).validate_python(written)
    assert is_static(tree) is (tree == written)
    assert evaluate(tree, context(v=[1, "x"])) == built


# --- draws ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "built"),
    [
        ("drawn", ["1s", "2s"], DrawnNumber(Uniform(1.0, 2.0))),
        ("drawn", {"uniform": ["1s", "2s"]}, DrawnNumber(Uniform(1.0, 2.0))),
        ("drawn", {"normal": {"mean": "1s", "stddev": "100ms"}}, DrawnNumber(Normal(1.0, 0.1))),
        ("drawn", {"lognormal": {"median": "300ms", "p99": "2s"}}, DrawnNumber(LogNormal(0.3, 2.0))),
        ("drawn", {"exponential": {"mean": "1s"}}, DrawnNumber(Exponential(1.0))),
        (
            "drawn",
            {"normal": {"mean": "1s", "stddev": "1s", "min": "500ms", "max": "2s"}},
            DrawnNumber(BoundedDistribution(Normal(1.0, 1.0), 0.5, 2.0)),
        ),
        (
            "gap",
            {"exponential": {"mean": "1s", "max": "3s"}},
            BoundedDistribution(Exponential(1.0), most=3.0),
        ),
        ("drawn", {"empirical": ["1s", "2s"]}, DrawnNumber(Empirical((1.0, 2.0)))),
        ("count", [2, 5], DrawnNumber(Integers(2, 5), whole=True)),
        ("count", {"normal": {"mean": 10, "stddev": 2}}, DrawnNumber(Normal(10, 2), whole=True)),
        ("speed", [40, 80.5], DrawnNumber(Uniform(40.0, 80.5))),
        ("gap", ["1s", "2s"], Uniform(1.0, 2.0)),
        ("gap", {"exponential": {"mean": "1s"}}, Exponential(1.0)),
    ],
)
def test_number_may_be_drawn(key: str, value: object, built: object) -> None:
    assert read(key, value) == built


def test_deviation_of_a_duration_is_a_duration() -> None:
    with pytest.raises(ValidationError) as caught:
        read("drawn", {"normal": {"mean": "1s", "stddev": 1}})
    (error,) = caught.value.errors()
    assert (error["loc"], error["msg"]) == (("drawn", "normal", "stddev"), f"1 {NO_UNIT}")


def test_drawn_number_stays_within_bounds() -> None:
    bounded: TypeAdapter[Any] = TypeAdapter(Drawable[Annotated[int, Field(ge=2, le=4)]])
    found = bounded.validate_python({"normal": {"mean": 3, "stddev": 4}})
    assert {evaluate(found, context().at(number)) for number in range(100)} == {2, 3, 4}


def test_empirical_values_may_come_from_file() -> None:
    files = {"gaps.txt": "10ms 20ms\n30ms,\n", "bad.txt": "10ms x"}
    built = read("gap", {"empirical": "gaps.txt"}, file=files.__getitem__)
    assert built.values == pytest.approx((0.01, 0.02, 0.03))
    content = message("gap", {"empirical": "bad.txt"}, file=files.__getitem__)
    assert content == 'bad.txt: "x" is not a duration; write "300ms", "2s" or "1m"'


def test_spread_stays_a_distribution() -> None:
    model = Model.model_validate({"gap": ["1s", "2s"], "drawn": ["1s", "2s"]})
    built = evaluate(model, context())
    assert built.gap == Uniform(1.0, 2.0)
    assert 1.0 <= built.drawn <= 2.0


# --- schemas -------------------------------------------------------------------------------------
