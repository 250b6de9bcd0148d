"""pydantic's errors become one plain diagnostic for each place."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from mockllm.scenario.model_walk import shape_of
from mockllm.scenario.validation_errors import describe_value, diagnostics_of
from mockllm.scenario.yaml_reader import read_source


class StrictModel(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Condition(StrictModel):
    contains: str | None = None
    length: int | None = None
    any_: list[Condition] | None = Field(None, alias="any")


class Reply(StrictModel):
    text: str | Condition | list[str] | None = None
    times: Annotated[int, Field(ge=1, le=9)] = 1
    chunks: Annotated[list[str], Field(min_length=1)] | None = None


def _named(value: Any) -> Any:
    if value == "short":
        return {"times": 0}
    if isinstance(value, str) and value.startswith("!"):
        raise PydanticCustomError(
            "named", 'nothing is called "{name}"', {"name": value, "allowed": ["short!"]}
        )
    return value


class Step(StrictModel):
    reply: Annotated[str, Tag("reply")] | None = None
    error: Annotated[Reply | None, BeforeValidator(_named)] = None
    sized: Annotated[
        Annotated[str, Tag("text")] | Annotated[Reply, Tag("reply")],
        Discriminator(lambda value: "reply" if isinstance(value, dict) else "text"),
    ] = ""
    pair: Annotated[tuple[int, str], Field(strict=False)] | None = None

    @model_validator(mode="after")
    def something(self) -> Step:
        if not self.model_fields_set:
            raise ValueError("a step says nothing")
        return self


class Rule(StrictModel):
    name: str
    per: Literal["global", "api_key"] = "global"
    reply: str | Reply | None = None
    match: dict[str, Condition] = {}
    chance: float | None = None
    fallback: bool = False
    steps: list[Step | str] = []
    code: Annotated[str, Field(pattern="^[a-z]+$")] = "a"

    @field_validator("name")
    @classmethod
    def no_spaces(cls, name: str) -> str:
        if " " in name:
            raise ValueError("a name has no spaces")
        return name


class File(StrictModel):
    mockllm: Literal[1] = 1
    rules: list[Rule] = []


def messages_of(
    text: str, model: type[BaseModel] | TypeAdapter[Any] = File, prefix: tuple[str | int, ...] = ()
) -> list[str]:
    source = read_source(text, "a.yaml")
    data = source.data
    for step in prefix:
        data = data[step]
    with pytest.raises(ValidationError) as error:
        model.validate_python(data) if isinstance(model, TypeAdapter) else model.model_validate(data)
    return [
        str(diagnostic).removeprefix("a.yaml:")
        for diagnostic in diagnostics_of(error.value, source, prefix, model)
    ]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            "{nam: x}",
            ['1:9: rules[0]: missing key "name"', '1:10: rules[0].nam: unknown key; did you mean "name"?'],
        ),
        ("7", ["1:9: rules[0]: expected a mapping, found the number 7"]),
        ("[a]", ["1:9: rules[0]: expected a mapping, found a list"]),
        ("{name: 7}", ['1:16: rules[0].name: expected a text, found the number 7; write "7"']),
        ("{name: true}", ['1:16: rules[0].name: expected a text, found true; write "true"']),
        ("{name: null}", ['1:16: rules[0].name: expected a text, found nothing; write "" for an empty text']),
        ("{name: a b}", ["1:16: rules[0].name: a name has no spaces"]),
        (
            "{name: a, per: apikey}",
            [
                '1:24: rules[0].per: expected "global" or "api_key", found the text "apikey"; '
                'did you mean "api_key"?'
            ],
        ),
        (
            "{name: a, chance: '0.5'}",
            ['1:27: rules[0].chance: expected a number, found the text "0.5"; write 0.5 without quotes'],
        ),
        ("{name: a, fallback: 1}", ["1:29: rules[0].fallback: expected true or false, found the number 1"]),
        (
            "{name: a, reply: 7}",
            ['1:26: rules[0].reply: expected a text or a mapping, found the number 7; write "7"'],
        ),
        ("{name: a, reply: {txt: x}}", ['1:27: rules[0].reply.txt: unknown key; did you mean "text"?']),
        (
            "{name: a, reply: {text: 7}}",
            [
                "1:33: rules[0].reply.text: expected a text, a mapping or a list, found the number 7; "
                'write "7"'
            ],
        ),
        (
            "{name: a, reply: {text: {contain: x}}}",
            ['1:34: rules[0].reply.text.contain: unknown key; did you mean "contains"?'],
        ),
        (
            "{name: a, reply: {text: [a, 7]}}",
            ['1:37: rules[0].reply.text[1]: expected a text, found the number 7; write "7"'],
        ),
        (
            "{name: a, reply: {times: 0}}",
            ["1:34: rules[0].reply.times: expected a number of 1 or more, found the number 0"],
        ),
        (
            "{name: a, reply: {times: 1.5}}",
            ["1:34: rules[0].reply.times: expected a whole number, found the number 1.5"],
        ),
        (
            "{name: a, reply: {chunks: []}}",
            ["1:35: rules[0].reply.chunks: expected a list that is not empty, found an empty list"],
        ),
        (
            "{name: a, reply: {chunks: x}}",
            ['1:35: rules[0].reply.chunks: expected a list, found the text "x"; write [x]'],
        ),
        (
            "{name: a, match: {$.a: {lengths: 1}}}",
            ['1:33: rules[0].match["$.a"].lengths: unknown key; did you mean "length"?'],
        ),
        (
            "{name: a, match: {m: {any: [{contain: 1}, {any: [{len: 1}]}]}}}",
            [
                '1:38: rules[0].match.m.any[0].contain: unknown key; did you mean "contains"?',
                '1:59: rules[0].match.m.any[1].any[0].len: unknown key; did you mean "length"?',
            ],
        ),
        ("{name: a, steps: [{}]}", ["1:27: rules[0].steps[0]: a step says nothing"]),
        (
            "{name: a, steps: [{sized: 7}]}",
            ['1:35: rules[0].steps[0].sized: expected a text, found the number 7; write "7"'],
        ),
        (
            "{name: a, steps: [{sized: {tims: 7}}]}",
            ['1:36: rules[0].steps[0].sized.tims: unknown key; did you mean "times"?'],
        ),
        (
            "{name: a, steps: [{error: short}]}",
            ["1:35: rules[0].steps[0].error: expected a number of 1 or more, found the number 0"],
        ),
        (
            "{name: a, steps: [{error: !!str '!shor'}]}",
            ['1:35: rules[0].steps[0].error: nothing is called "!shor"; did you mean "short!"?'],
        ),
        (
            "{name: a, steps: [{pair: [1, 2]}]}",
            ['1:38: rules[0].steps[0].pair[1]: expected a text, found the number 2; write "2"'],
        ),
        (
            "{name: a, code: A1}",
            ['1:25: rules[0].code: expected a text of the form ^[a-z]+$, found the text "A1"'],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_validation_error_has_plain_message(rule: str, expected: list[str]) -> None:
    assert messages_of(f"rules: [{rule}]") == expected


def test_part_of_file_has_path_prefix() -> None:
    result = messages_of("rules:\n- name: a\n- name: b\n  modle: x\n", Rule, ("rules", 1))
    assert result == [
        "4:3: rules[1].modle: unknown key; expected "
        + '"name", "per", "reply", "match", "chance", "fallback", "steps" or "code"'
    ]


def test_whole_file_of_wrong_type_has_diagnostic() -> None:
    assert messages_of("[a]") == ["1:1: expected a mapping, found a list"]


def test_type_adapter_is_accepted_as_model() -> None:
    assert messages_of("[a, 7]", TypeAdapter(list[str])) == [
        '1:5: [1]: expected a text, found the number 7; write "7"'
    ]


def test_wrong_key_has_position_of_key() -> None:
    model: TypeAdapter[Any] = TypeAdapter(dict[Annotated[str, Field(pattern="^x")], int])
    assert messages_of("a: 1\nxb: 2\n", model) == [
        '1:1: a: expected a text of the form ^x, found the text "a"'
    ]


def test_unknown_error_type_has_pydantic_message() -> None:
    model: TypeAdapter[Any] = TypeAdapter(Annotated[Any, BeforeValidator(_fails)])
    assert messages_of("a", model) == ["1:1: expected better"]


def _fails(value: Any) -> Any:
    raise PydanticCustomError("odd", "Input should be better")


def test_union_reports_one_form() -> None:
    member = Annotated[
        Annotated[int, Tag("int")] | Annotated[list[Literal["a"]], Tag("list")],
        Discriminator(lambda value: "list" if isinstance(value, list) else "int"),
    ]
    model: TypeAdapter[Any] = TypeAdapter(
        dict[str, Annotated[str, Field(max_length=3)] | Literal[True] | member],
        config=ConfigDict(strict=True),
    )
    assert messages_of("a: 0.5\nb: [a, b]\nc: long\n", model) == [
        '1:4: a: expected true, a text or a whole number, found the number 0.5; write "0.5"',
        '2:8: b[1]: expected "a", found the text "b"',
        '3:4: c: expected at most 3 characters, found the text "long"',
    ]


def test_typed_dict_and_bare_list_are_walked() -> None:
    model: TypeAdapter[Any] = TypeAdapter(dict[str, Any] | list[Any] | Movie)
    assert messages_of("7", model) == ["1:1: expected a mapping or a list, found the number 7"]
    allowed = shape_of(TypeAdapter(Movie)).allowed_keys()
    assert allowed == ["title"]


class Movie(TypedDict):
    title: str


def test_allowed_keys_are_aliases_of_model() -> None:
    shape = shape_of(File)
    for step in ("rules", 0, "match", "x"):
        shape = shape.step(step)
    assert shape.allowed_keys() == ["contains", "length", "any"]
    assert shape.step("any").step(3).step("contains").allowed_keys() == []
    assert shape.step("nothing").step("here").allowed_keys() == []


def test_describe_value_names_type_and_value() -> None:
    values: list[object] = ["a" * 50, None, True, 7, 0.5, [1], {}]
    assert [describe_value(value) for value in values] == [
        f'the text "{"a" * 39}…"',
        "nothing",
        "true",
        "the number 7",
        "the number 0.5",
        "a list",
        "a mapping",
    ]
