"""`${name}` becomes a parameter's value, and a value never becomes a template."""

from __future__ import annotations

import pickle

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.templates.template import SubstitutedText
from mockllm.scenario.source_file import Source
from mockllm.scenario.substitution import SizeBudget, substitute, substitute_at
from mockllm.scenario.yaml_reader import read_source

PARAMS: dict[str, Json] = {
    "n": 3,
    "rate": 0.5,
    "on": True,
    "unset": None,
    "word": "hi",
    "sly": "{{ user }}",
    "brace": "{",
    "dollar": "${word}",
}


def substitute_text(text: str) -> Source:
    return substitute(read_source(text, "a.yaml"), PARAMS, "p")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${n}", 3),
        ("${rate}", 0.5),
        ("${on}", True),
        ("${unset}", None),
        ("${word}", "hi"),
        ("n=${n}, on=${on}, ${unset}${word}!", "n=3, on=true, hi!"),
        ("$${n}", "${n}"),
        ("$$${n}", "$${n}"),
        ("cost $${n} or ${n}", "cost ${n} or 3"),
        ("${dollar}", "${word}"),
        ("a ${dollar}", "a ${word}"),
        ("$n ${n}$", "$n 3$"),
        ("{${word}}", "{hi}"),
        ('{"n": ${n}}', '{"n": 3}'),
        ("{{ user }} $${n}", "{{ user }} ${n}"),
    ],
)
def test_substitute_writes_values_into_text(text: str, value: Json) -> None:
    source = substitute_text(f"a: '{text}'")
    assert source.diagnostics == ()
    assert source.data == {"a": value}
    assert not isinstance(source.data["a"], SubstitutedText)


@pytest.mark.parametrize(
    ("text", "plain", "template"),
    [
        ("${sly}", "{{ user }}", None),
        ("said ${sly}", "said {{ user }}", None),
        ("${brace}{ user }}", "{{ user }}", None),
        ("{${brace} user }}", "{{ user }}", None),
        ("{{ model }}: ${sly}", "{{ model }}: {{ user }}", '{{ model }}: {{ "{" }}{{ "{" }} user }}'),
        ("{{ model }} {${brace}", "{{ model }} {{", '{{ model }} {{ "{" }}{{ "{" }}'),
    ],
)
def test_substituted_value_never_becomes_template(text: str, plain: str, template: str | None) -> None:
    value = substitute_text(f"a: '{text}'").data["a"]
    assert isinstance(value, SubstitutedText)
    assert value == plain
    assert value.template == template
    again = pickle.loads(pickle.dumps(value))
    assert (again, again.template) == (plain, template)


def test_text_with_authors_template_stays_template() -> None:
    assert substitute_text("a: '{{ model }} ${word}'").data["a"] == "{{ model }} hi"


def test_substitute_writes_values_into_keys() -> None:
    source = substitute_text("a:\n  x-${n}: {b: 1}\n  'y': [1, '${n}']\n")
    assert source.data == {"a": {"x-3": {"b": 1}, "y": [1, 3]}}
    assert source.position(("a", "x-3"), key=True) == (2, 3)
    assert source.position(("a", "x-3", "b")) == (2, 15)
    assert source.position(("a", "y", 1)) == (3, 12)


def test_data_without_parameters_is_same_object() -> None:
    raw = read_source("a: ['${n}']\nb: {c: [1]}\nd: [x]\n", "a.yaml")
    source = substitute(raw, PARAMS, "p")
    assert source.data["b"] is raw.data["b"]
    assert source.data["d"] is raw.data["d"]
    assert raw.data["a"] == ["${n}"]
    none = read_source("a: 1", "a.yaml")
    assert substitute(none, PARAMS, "p") is none
    assert substitute(source, PARAMS, "p") is source


def test_unreadable_source_is_not_substituted() -> None:
    broken = read_source("a: [${n}", "a.yaml")
    assert substitute(broken, PARAMS, "p") is broken


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: ${wrd}", 'a.yaml:1:4: a: the pack p has no parameter "wrd"; did you mean "word"?'),
        ("a: [1, 'x ${m}']", 'a.yaml:1:8: a[1]: the pack p has no parameter "m"'),
        ("${wrd}: 1", 'a.yaml:1:1: ["${wrd}"]: the pack p has no parameter "wrd"; did you mean "word"?'),
        ("{x3: 1, 'x${n}': 2}", 'a.yaml:1:9: ["x${n}"]: duplicate key "x3"'),
        ("a: b ${n", 'a.yaml:1:4: a: a "${" without its "}"'),
        ("a: '{{ query.${word} }}'", "a.yaml:1:4: a: ${word} is inside a template"),
        ("a: '{% if ${on} %}x{% endif %}'", "a.yaml:1:4: a: ${on} is inside a template"),
    ],
)
def test_bad_substitution_has_diagnostic(text: str, message: str) -> None:
    (diagnostic,) = substitute_text(text).diagnostics
    assert str(diagnostic).startswith(message)


def test_unknown_parameter_message_shows_escape() -> None:
    (diagnostic,) = substitute(read_source("a: ${x}", "a.yaml"), {}, "p").diagnostics
    assert diagnostic.message == 'the pack p has no parameter "x"; write "$${x}" for a literal text'


def test_file_outside_of_packs_has_no_parameters() -> None:
    (diagnostic,) = substitute(read_source("a: ${HOME}", "a.yaml"), {}, None).diagnostics
    assert diagnostic.message.startswith("${HOME}: only a pack has parameters")


def test_substitute_at_returns_one_value() -> None:
    source = read_source("use: [{with: {n: '${n}', m: '${x}'}}]\nb: ${y}\n", "a.yaml")
    values, diagnostics = substitute_at(source, ("use", 0, "with"), PARAMS, "p")
    assert values == {"n": 3, "m": None}
    assert [diagnostic.path for diagnostic in diagnostics] == ["use[0].with.m"]


def test_substitution_budget_is_reported_once() -> None:
    room = SizeBudget(left=5)
    first = substitute(
        read_source("{a: '${word} ${word} $${', b: '${word}!', c: ' ${unset}'}", "a.yaml"), PARAMS, "p", room
    )
    assert [str(each) for each in first.diagnostics] == [
        "a.yaml:1:31: b: parameters write more than 64 MiB into these files"
    ]
    second = substitute(read_source("a: '${word}!'", "b.yaml"), PARAMS, "p", room)
    assert second.diagnostics == ()
    assert second.data == {"a": "!"}


def test_unclosed_braces_are_scanned_once() -> None:
    text = "{{" * 100_000 + "}} "
    source = substitute(read_source(f"a: '{text}${{n}}'", "a.yaml"), PARAMS, "p")
    assert source.data == {"a": f"{text}3"}
