"""Templates: values, and failures for a request."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockllm.core.json.codec import Json, dumps
from mockllm.core.request.request import Request
from mockllm.core.templates.compile_template import compile_template
from mockllm.core.templates.jinja_compiler import compile_blocks
from mockllm.core.templates.template import (
    MAX_OUTPUT_LENGTH,
    Template,
    TemplateFailure,
    TemplateScope,
    TemplateSyntax,
    is_template,
)
from tests.core.rendered_templates import failure, rendered, scope
from tests.examples import examples


@pytest.mark.parametrize(
    ("text", "holds"),
    [("{{ a }}", True), ("{% if a %}{% endif %}", True), ("{ a }", False), ("}}", False), ("", False)],
)
def test_is_template_needs_expression_or_statement(text: str, holds: bool) -> None:
    assert is_template(text) is holds


@pytest.mark.parametrize(
    ("source", "value"),
    [
        # plain paths
        ("no template", "no template"),
        ("", ""),
        ("{{ body.name }}", "Ada"),
        ("{{body.name}}", "Ada"),
        ("Hi, {{ body.name }}!\n", "Hi, Ada!\n"),
        ("{{ query.delay }}ms", "100ms"),
        ("{{ body.list[1] }}{{ body.list[0] }}", "ba"),
        ("{{ body['a-b'] }} {{ body[\"a-b\"] }}", "dashed dashed"),
        ("{{ body.list[2].c }}", "deep"),
        ("{{ body.items }}", "a key like any other"),
        ('{{ headers["X-Case"] }}', "7"),
        # the value of a single expression has its own type
        ("{{ body.count }}", 3),
        ("{{ body.temperature }}", 21.5),
        ("{{ body.yes }}", True),
        ("{{ body.none }}", None),
        ("{{ body.list }}", ["a", "b", {"c": "deep"}]),
        ("{{ body.count | string }}", "3"),
        # in a text everything is written as JSON writes it
        ("{{ body.count }}.", "3."),
        ("{{ body.temperature }}°", "21.5°"),
        ("{{ body.yes }}!", "true!"),
        ("{{ body.none }}!", "null!"),
        (" {{ body.list }}", ' ["a","b",{"c":"deep"}]'),
        # what a request holds is never evaluated
        ("{{ body.code }}", "{{ model }}{% if %}"),
        ("[{{ body.code }}]", "[{{ model }}{% if %}]"),
        # constants
        ("{{ 'text' }}", "text"),
        ("{{ 5 }}", 5),
        ("{{ true }}", True),
        ("{{ none }}", None),
        ("{{ ['a', 1] }}", ["a", 1]),
        ("{{ ('a', 1) }}", ["a", 1]),
        # Jinja2's own marks
        ("a {# note #}b{{ 1 }}", "a b1"),
        ("a  {{- body.name -}}  b", "aAdab"),
        ("{% raw %}{{ x }}{% endraw %}{{ 1 }}", "{{ x }}1"),
        ("{{ body.list[-1].c }}", "deep"),
        # what is not there
        ("{{ body.x | default('none') }}", "none"),
        ("{{ body.x.y[3].z | default(0) }}", 0),
        ("{{ body.x | d }}", ""),
        ("{{ body.empty | default('x') }}", ""),
        ("{{ body.empty | default('x', true) }}", "x"),
        ("{{ body.none | default('x', boolean=true) }}", "x"),
        ("{{ body.x or 'instead' }}", "instead"),
        ("{{ model | default('m') }}", "m"),
        # conditions
        ("{{ 'a' if body.yes else 'b' }}", "a"),
        ("{{ 'a' if body.x else 'b' }}", "b"),
        ("{{ 'a' if body.x }}", ""),
        ("{{ body.yes and body.name }}", "Ada"),
        ("{{ not body.yes }}", False),
        ("{% if body.count > 2 %}many{% else %}few{% endif %}", "many"),
        ("{% if body.count > 5 %}many{% elif body.count == 3 %}three{% else %}few{% endif %}", "three"),
        ("{% if body.x %}a{% endif %}", ""),
        ("{% if body.x is defined %}a{% elif body.y %}b{% else %}{{ body.name }}!{% endif %}", "Ada!"),
        ("x{% if true %}{{ 5 }}{% endif %}", "x5"),
        ("{% if true %}{{ 5 }}{% endif %}", "5"),
        # comparisons
        ("{{ body.count == 3 }}", True),
        ("{{ body.count == '3' }}", False),
        ("{{ body.yes == 1 }}", False),
        ("{{ body.count != 3 }}", False),
        ("{{ 1 < body.count <= 3 }}", True),
        ("{{ 3 < body.count < 1 }}", False),
        ("{{ body.count >= 4 }}", False),
        ("{{ 'a' in body.list }}", True),
        ("{{ true in [1] }}", False),
        ("{{ 'Ad' in body.name }}", True),
        ("{{ 1 in body.name }}", False),
        ("{{ 'name' in body }}", True),
        ("{{ 'x' not in body.list }}", True),
        # tests
        ("{{ body.x is defined }}", False),
        ("{{ body.x is undefined }}", True),
        ("{{ body.none is none }}", True),
        ("{{ user is none }}", True),
        ("{{ body.name is not none }}", True),
        ("{{ body.name is string }}", True),
        ("{{ body.count is number }}", True),
        ("{{ body.yes is number }}", False),
        ("{{ body.count is integer }}", True),
        ("{{ body.temperature is float }}", True),
        ("{{ body.yes is boolean }}", True),
        ("{{ body.yes is true }}", True),
        ("{{ body.yes is false }}", False),
        ("{{ body is mapping }}", True),
        ("{{ body.list is sequence }}", True),
        ("{{ body.count is odd }}", True),
        ("{{ body.count is even }}", False),
        # arithmetic and joining
        ("{{ body.count + 1 }}", 4),
        ("{{ body.count * 2 - 1 }}", 5),
        ("{{ body.count / 2 }}", 1.5),
        ("{{ body.count // 2 }}", 1),
        ("{{ body.count % 2 }}", 1),
        ("{{ -body.count }}", -3),
        ("{{ +body.count }}", 3),
        ("{{ query.delay | int * 2 }}ms", "200ms"),
        ("{{ body.name ~ '-' ~ body.count }}", "Ada-3"),
    ],
)  # fmt: skip
def test_template_renders_value(source: str, value: Json) -> None:
    built = rendered(source)
    assert built == value
    assert type(built) is type(value)


def test_template_reads_parameters_and_groups() -> None:
    assert (
        rendered("{{ city }}: {{ match.number }}", params={"city": "Paris"}, captures={"number": "7"})
        == "Paris: 7"
    )


@pytest.mark.parametrize(
    ("source", "expression", "reason", "query"),
    [
        ("{{ query.fail }}", "{{ query.fail }}", "query.fail is absent", "fail"),
        ("Hi {{ user }}, {{ model }}", "{{ user }}", "user is absent", None),
        ('{{ headers["x-none"] }}', '{{ headers["x-none"] }}', 'headers["x-none"] is absent', None),
        ("{{ body.list[9] }}", "{{ body.list[9] }}", "body.list[9] is absent", None),
        ("{{ body.list.a }}", "{{ body.list.a }}", "body.list.a is absent", None),
        ("{{ body.name[0] }}", "{{ body.name[0] }}", "body.name[0] is absent", None),
        ("{{ body[0] }}", "{{ body[0] }}", "body[0] is absent", None),
        ("{{ nobody }}", "{{ nobody }}", "nobody is absent", None),
        ("{{ tool_result.json.city }}", "{{ tool_result.json.city }}", "tool_result is absent", None),
        ("{{ body.nothing[0].city }}", "{{ body.nothing[0].city }}", "body.nothing is absent", None),
        ("a {{ user | upper }}", "{{ user | upper }}", "user is absent", None),
        ("{{ none and 1 or body.x }}", "{{ none and 1 or body.x }}", "it has no value", None),
        ("{{ [query.x] }}", "{{ [query.x] }}", "query.x is absent", "x"),
        ("{{ query.x ~ 'a' }}", "{{ query.x ~ 'a' }}", "query.x is absent", "x"),
        ("{{ body.empty | first }}", "{{ body.empty | first }}", "it has no value", None),
        ("{{ query.a or query.b }}", "{{ query.a or query.b }}", "it has no value", "a"),
        ("{{ query.name | int }}", "{{ query.name | int }}", '"x" is not a number', "name"),
        ("{% if true %}a {{ query.z }}{% endif %}", "{{ query.z }}", "query.z is absent", "z"),
        ("{% if query.name > 3 %}{% endif %}", "{% if query.name > 3 %}{% endif %}",
         '"x" and 3 cannot be compared', "name"),
        ("{{ body.x < 3 }}", "{{ body.x < 3 }}", "absent and 3 cannot be compared", None),
        ("{{ 1 in 3 }}", "{{ 1 in 3 }}", "3 holds nothing to look for", None),
        ("{{ body.name + 1 }}", "{{ body.name + 1 }}", 'it is "Ada", not a number', None),
        ("{{ body.yes + 1 }}", "{{ body.yes + 1 }}", "it is true, not a number", None),
        ("{{ -body.name }}", "{{ -body.name }}", 'it is "Ada", not a number', None),
        ("{{ 1 / 0 }}", "{{ 1 / 0 }}", "1 and 0: division by zero", None),
        ("{{ body.big * 2 }}", "{{ body.big * 2 }}", "the number is too large", None),
        ("{{ body.name is odd }}", "{{ body.name is odd }}", 'it is "Ada", not a number', None),
    ],
)  # fmt: skip
def test_template_of_absent_or_unsuitable_value_fails(
    source: str, expression: str, reason: str, query: str | None
) -> None:
    failed = failure(source)
    assert (failed.expression, failed.reason, failed.query) == (expression, reason, query)
    assert failed.origin == "a.yaml:3:5"
    assert str(failed) == f"{expression}: {reason} (a.yaml:3:5)"


def test_template_of_too_large_number_fails() -> None:
    assert rendered("{{ big }}", params={"big": 10**30}) == 10**30
    with pytest.raises(TemplateFailure, match="it cannot be written as JSON"):
        rendered("{{ big }}!", params={"big": 10**30})


WORDS = [
    *(
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ".",
        ",",
        ":",
        "|",
        "~",
        "+",
        "-",
        "*",
    ),
    *(
        "/",
        "//",
        "%",
        "**",
        "<",
        "<=",
        "==",
        "!=",
        "not",
        "and",
        "or",
        "in",
        "is",
        "if",
        "else",
        "elif",
        "endif",
    ),
    *(
        "raw",
        "endraw",
        "for",
        "set",
        "body",
        "user",
        "query",
        "list",
        "first",
        "default",
        "int",
        "join",
        "split",
    ),
    *("replace('a', 'bb')", "round", "none", "true", "'a'", "1", "2.5", "x", "_"),
]


@settings(max_examples=examples(400), deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=12), st.booleans())
def test_template_of_any_text_raises_known_errors_only(words: list[str], wrapped: bool) -> None:
    source = " ".join(words)
    with contextlib.suppress(TemplateSyntax, TemplateFailure):
        dumps(rendered(f"{{{{ {source} }}}}" if wrapped else source))


def test_template_failure_without_origin() -> None:
    with pytest.raises(TemplateFailure) as caught:
        compile_template("{{ user }}").render(scope())
    assert str(caught.value) == "{{ user }}: user is absent"


@pytest.mark.parametrize(
    "source",
    [
        "{{ body.a }}",
        "{{ body.a }}{{ body.a }}",
        "{{ body.a ~ body.a }}",
        "{{ body.a | replace('a', 'aaaaaaaaaa') }}",
        "{{ body.a | replace('', body.a) }}",
        "{{ body.l | join(body.a) }}",
        "{% if true %}{{ body.a }}{{ body.a }}{% endif %}",
        "{{ body.a | upper }}",
    ],
)
def test_template_output_above_maximum_fails(source: str) -> None:
    enough = source in ("{{ body.a }}", "{{ body.a | upper }}")
    long = {"a": "a" * (MAX_OUTPUT_LENGTH + 1 if enough else MAX_OUTPUT_LENGTH // 2 + 1)}
    assert (
        failure(source, body={**long, "l": ["b"] * 4}).reason == "the text is longer than 1048576 characters"
    )


def test_template_output_of_maximum_is_allowed() -> None:
    assert len(rendered("{{ body }}", body="a" * MAX_OUTPUT_LENGTH)) == MAX_OUTPUT_LENGTH


def test_template_has_names_that_it_reads() -> None:
    template = compile_template("{{ user }} {% if city %}{{ query.delay | int }}{% endif %}{{ 5 }}")
    assert template.names == {"user", "city", "query"}
    assert compile_template("plain").names == frozenset()


def test_template_of_plain_paths_does_not_import_jinja2() -> None:
    code = (
        "import sys, mockllm.core.values.types; "
        "from mockllm.core.templates.compile_template import compile_template; "
        "compile_template('{{ a.b[0] }} ms'); compile_template('{{ a | truncate(5) }}'); "
        "assert 'jinja2' not in sys.modules; "
        "compile_template('{{ a | upper | lower }}'); assert 'jinja2' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "source",
    [
        "{{ body.name | upper }}",
        "{{body.code|truncate(4)}}",
        "{{ body.code | truncate( 9 , 0 , '…' ) }} and {{ body.city | default('}}') }}",
        "{{ body.city | default }}",
        "{{ body.city | upper }}",
        "{{ body | length }}",
        '{{ body.count | join("{%") }}',
        '{{ headers["X-Case"] | split(",") }}',
    ],
)
def test_path_with_filter_is_what_jinja2_parses(source: str) -> None:
    results: list[object] = []
    for template in (compile_template(source), Template(source, "", compile_blocks(source))):
        try:
            value = template.render(scope())
            results.append((type(value), value, template.reads))
        except TemplateFailure as error:
            results.append((str(error), template.reads))
    assert results[0] == results[1]


@pytest.mark.parametrize(
    "source", ["{{ user | shout }}", "{{ user | upper(1) }}", "{{ user | truncate(007) }}"]
)
def test_path_with_unsuitable_filter_is_refused(source: str) -> None:
    with pytest.raises(TemplateSyntax):
        compile_template(source)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ headers['x-api-key'] | int }}", "the value does not fit, and is not shown"),
        ("{{ query.key | int }}", "the value does not fit, and is not shown"),
        ("{{ query.token }}", "query.token is absent"),
        ("{{ query.name | int }}", '"x" is not a number'),
    ],
)
def test_template_failure_hides_keys(source: str, reason: str) -> None:
    request = Request(
        method="POST", path="/", headers={"x-api-key": "my-own-key"}, query_string="key=my-own-key&name=x"
    )
    template = compile_template(source)
    with pytest.raises(TemplateFailure) as caught:
        template.render(TemplateScope(request))
    assert caught.value.reason == reason


def test_template_failure_hides_unsuitable_secrets() -> None:
    assert "abc" not in str(compile_template("{{ headers['x-api-key'] }}ms").failure('"abc" is no duration'))
    assert "abc" not in str(compile_template("{{ headers }}").failure('{"cookie": "abc"} is no duration'))
    assert "abc" in str(compile_template("{{ user }}").failure('"abc" is no duration'))
