"""Parameters of packs: values, origins and conditions."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json
from mockllm.scenario.manifest import PackSpec, ParamSettings, WithValues, bad_settings, resolve_params
from mockllm.scenario.pack_params import Params, ParamType, check_value, parse_value
from mockllm.scenario.yaml_reader import read_source

MOODS: ParamType = ["calm", "storm", 3, True]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", "a"),
        ("string", ""),
        ("integer", 0),
        ("integer", -3),
        ("number", 3),
        ("number", 0.5),
        ("boolean", False),
        ("duration", "300ms"),
        ("probability", "5%"),
        ("probability", 0.05),
        ("probability", 1),
        (MOODS, "storm"),
        (MOODS, 3),
        ("integer", None),
        (MOODS, None),
    ],
)
def test_check_value_of_type_returns_value(kind: ParamType, value: Json) -> None:
    assert check_value(kind, value) is value


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("string", 7, 'expected a text, found the number 7; write "7"'),
        ("string", True, 'expected a text, found true; write "true"'),
        ("integer", "7", 'expected a whole number, found the text "7"'),
        ("integer", 7.0, "expected a whole number, found the number 7.0"),
        ("integer", True, "expected a whole number, found true"),
        ("number", "x", 'expected a number, found the text "x"'),
        ("boolean", 1, "expected true or false, found the number 1"),
        ("duration", 5, '5 has no unit; write "300ms", "2s" or "1m"'),
        ("duration", [], 'expected a duration such as "300ms", found an empty list'),
        ("duration", False, 'expected a duration such as "300ms", found false'),
        ("probability", 2, '2 is not between 0 and 1; write "2%"'),
        ("probability", "often", '"often" is not a probability; write "5%" or 0.05'),
        (MOODS, "stom", 'expected "calm", "storm", 3 or true, found the text "stom"; did you mean "storm"?'),
        (MOODS, 1, 'expected "calm", "storm", 3 or true, found the number 1'),
    ],
)
def test_check_value_of_other_type_raises(kind: ParamType, value: Json, message: str) -> None:
    with pytest.raises(ValueError) as error:
        check_value(kind, value)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", "7", "7"),
        ("string", "", None),
        ("integer", "5625", 5625),
        ("integer", "0", 0),
        ("integer", "", None),
        ("number", "0.5", 0.5),
        ("number", "5", 5),
        ("boolean", "true", True),
        ("boolean", "1", True),
        ("boolean", "Off", False),
        ("duration", "5ms", "5ms"),
        ("probability", "5%", "5%"),
        ("probability", "0.05", "0.05"),
        (MOODS, "storm", "storm"),
        (MOODS, "3", 3),
        (MOODS, "true", True),
    ],
)
def test_parse_value_reads_text_by_type(kind: ParamType, text: str, value: Json) -> None:
    assert parse_value(kind, text) == value
    assert type(parse_value(kind, text)) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("integer", "1_000"),
        ("integer", "1.5"),
        ("integer", "many"),
        ("number", "nan"),
        ("number", "1e999"),
        ("boolean", "maybe"),
        ("duration", "5"),
        ("probability", "7"),
        ("integer", "9" * 5000),
    ],
)
def test_parse_value_of_wrong_text_raises(kind: ParamType, text: str) -> None:
    with pytest.raises(ValueError):
        parse_value(kind, text)


WORD = PackSpec.model_validate(
    {
        "name": "p",
        "version": "1",
        "params": {
            "n": {"type": "integer", "default": 1, "env": ["N", "COUNT"]},
            "text": {"env": "TEXT", "default": "made"},
            "unset": {"type": "duration"},
        },
    }
)


def resolve(options: str = "{}", **settings: Any) -> tuple[dict[str, Json], list[str]]:
    source = read_source(f"with: {options}", "a.yaml")
    result, diagnostics = resolve_params(
        WORD, WithValues(source.data["with"], source, ("with",)), ParamSettings(**settings)
    )
    return dict(result.values), [str(diagnostic) for diagnostic in diagnostics]


@pytest.mark.parametrize(
    ("options", "settings", "n"),
    [
        ("{}", {}, 1),
        ("{n: 2}", {}, 2),
        ("{n: null}", {}, 1),
        ("{n: 2}", {"environment": {"COUNT": "3"}}, 3),
        ("{n: 2}", {"environment": {"COUNT": "3", "N": "4"}}, 4),
        ("{n: 2}", {"environment": {"COUNT": "3", "N": ""}}, 3),
        ("{n: 2}", {"environment": {"N": ""}}, 2),
        ("{n: 2}", {"environment": {"N": "3"}, "sets": ["n=5"]}, 5),
        ("{n: 2}", {"environment": {"N": "3"}, "sets": ["n="]}, 3),
        ("{n: 2}", {"sets": ["p.n=5"]}, 5),
        ("{n: 2}", {"sets": ["n=5", "p.n=6"]}, 6),
        ("{n: 2}", {"sets": ["q.n=5"]}, 2),
        ("{n: 2}", {"sets": ["n=5"], "values": {"n": 7}}, 7),
        ("{n: 2}", {"values": {"p.n": 7}}, 7),
    ],
)
def test_resolve_params_option_environment_with_default(
    options: str, settings: dict[str, Any], n: int
) -> None:
    assert resolve(options, **settings) == ({"n": n, "text": "made", "unset": None}, [])


def test_resolve_params_outside_text_is_literal() -> None:
    assert resolve(environment={"TEXT": "{{ user }} = ${n}"})[0]["text"] == "{{ user }} = ${n}"


def test_resolve_params_example_value_is_checked() -> None:
    assert resolve(values={"n": "x"})[1] == ['with: n: expected a whole number, found the text "x"']


def test_bad_settings_must_name_one_parameter() -> None:
    other = PackSpec.model_validate({"name": "q", "version": "1", "params": {"n": {}}})
    settings = ParamSettings(sets=["n=1", "p.n=1", "q.n=1", "txt=x"], values={"text": "x", "m": 1})
    assert [str(diagnostic) for diagnostic in bad_settings(settings, [WORD, other])] == [
        '--set n=1: "n" is a parameter of several packs; write p.n or q.n',
        '--set txt=x: no pack in use has a parameter "txt"; did you mean "text"?',
        'with m: no pack in use has a parameter "m"; '
        'expected "p.n", "n", "p.text", "text", "p.unset", "unset" or "q.n"',
    ]


KINDS: dict[str, ParamType] = {
    "mood": ["calm", "storm"],
    "n": "integer",
    "delay": "duration",
    "rate": "probability",
    "on": "boolean",
    "unset": "integer",
}
PARAMS = Params(
    {"mood": "storm", "n": 3, "delay": "2s", "rate": "5%", "on": True, "unset": None},
    KINDS,
)


@pytest.mark.parametrize(
    ("key", "holds"),
    [
        (True, True),
        (False, False),
        ({}, True),
        ({"mood": "storm"}, True),
        ({"mood": "calm"}, False),
        ({"mood": ["calm", "storm"]}, True),
        ({"mood": []}, False),
        ({"mood": {"equals": "storm"}}, True),
        ({"mood": "storm", "n": 4}, False),
        ({"n": {"gt": 2, "lte": 3}}, True),
        ({"n": {"gte": 4}}, False),
        ({"n": {"lt": 3}}, False),
        ({"delay": {"gt": "1500ms"}}, True),
        ({"delay": "2000ms"}, True),
        ({"rate": 0.05}, True),
        ({"rate": {"lt": "1%"}}, False),
        ({"on": True}, True),
        ({"mood": {"starts_with": ["st", "sn"]}}, True),
        ({"mood": {"contains": "ORM", "ignore_case": True}}, True),
        ({"mood": {"equals": "storm", "regex": "^c"}}, False),
        ({"unset": {"glob": "*"}}, False),
        ({"unset": None}, True),
        ({"unset": {"exists": False}}, True),
        ({"n": {"exists": True}}, True),
        ({"unset": {"gt": 1}}, False),
    ],
)
def test_enabled_depends_on_parameters(key: Json, holds: bool) -> None:
    assert PARAMS.enabled(key) is holds


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("yes", "expected true, false or a condition on parameters"),
        (None, "found nothing"),
        ({"mod": "storm"}, 'there is no parameter "mod"; did you mean "mood"?'),
        ({"mood": "stormy"}, 'mood: expected "calm" or "storm"'),
        ({"mood": ["stormy"]}, 'mood: expected "calm" or "storm"'),
        ({"n": "3"}, 'n: expected a whole number, found the text "3"'),
        ({"n": {"above": 3}}, 'unknown condition "above"'),
        ({"n": {"exists": "yes"}}, "expected true or false"),
        ({"mood": {"regex": "("}}, "regex"),
        ({"mood": {"starts_wth": "s"}}, 'unknown condition "starts_wth"; did you mean "starts_with"?'),
        ({"mood": {"gt": "calm"}}, "gt compares numbers"),
        ({"on": {"gt": True}}, "gt compares numbers"),
        ({"n": 4, "mod": "storm"}, 'there is no parameter "mod"'),
    ],
)
def test_enabled_with_impossible_condition_raises(key: Json, message: str) -> None:
    with pytest.raises(ValueError) as error:
        PARAMS.enabled(key)
    assert message in str(error.value)
