"""Templates outside of the safe subset are refused at load."""

from __future__ import annotations

import contextlib

import pytest

from mockllm.core.templates.compile_template import compile_template
from mockllm.core.templates.jinja_syntax import PARSER
from mockllm.core.templates.template import (
    TemplateSyntax,
)
from tests.core.rendered_templates import rendered


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ f() }}", "templates have no calls"),
        ("{{ body.name.upper() }}", "templates have no calls"),
        ("{% for x in body.list %}{% endfor %}", "templates have no loops"),
        ("{% set x = 1 %}", "templates have no assignments"),
        ("{% set x %}1{% endset %}", "templates have no assignments"),
        ("{% with a = 1 %}{% endwith %}", "templates have no assignments"),
        ("{% macro m() %}{% endmacro %}", "templates have no macros"),
        ("{% call m() %}{% endcall %}", "templates have no calls"),
        ("{% include 'x' %}", "templates have no includes"),
        ("{% import 'x' as y %}", "templates have no imports"),
        ("{% from 'x' import y %}", "templates have no imports"),
        ("{% extends 'x' %}", "templates have no inheritance"),
        ("{% block b %}{% endblock %}", "templates have no inheritance"),
        ("{% filter upper %}{% endfilter %}", "templates have no filter blocks"),
        ("{{ 2 ** 9 }}", "templates have no powers"),
        ("{{ {'a': 1} }}", "templates have no objects"),
        ("{{ body.list[1:] }}", "a key or index is a constant"),
        ("{{ body[model] }}", "a key or index is a constant"),
        ("{{ body[1.5] }}", "a key or index is a constant"),
        ("{{ body[-model] }}", "a key or index is a constant"),
        ("{{ 'a'.upper }}", "only names can be looked into"),
        ("{{ ('a' ~ 'b')[0] }}", "only names can be looked into"),
        ("{{ model | shout }}", 'there is no filter "shout"; there are abs, capitalize'),
        ("{{ model | upper(1) }}", 'the filter "upper" takes other arguments: too many'),
        ("{{ model | replace('a') }}", 'the filter "replace" takes other arguments: missing'),
        ("{{ model | upper(*body.list) }}", "templates have no"),
        ("{{ model | upper(**body) }}", "templates have no"),
        ("{{ model is sameas body }}", 'there is no test "sameas"'),
        ("{{ model is divisibleby 3 }}", 'there is no test "divisibleby"'),
        ("{{ headers.user-agent }}", 'a header\'s name needs quotes: write `headers["x-case"]`'),
        ("{{ 1j }}", "not a template"),
        ("{{ 99999999999999999999 }}", "the number is too large"),
        ("{{ -1e999 }}", "the number is too large"),
        ("{{ " + "9" * 5000 + " }}", "not a template: Exceeds the limit"),
        ("{{ model", "not a template: unexpected end of template"),
        ("{{ }}", "not a template: Expected an expression"),
        ("{% nope %}", "not a template: Encountered unknown tag 'nope'"),
        ("{{ not }}", "not a template"),
        ("{{ model }} {% if %}", "not a template"),
        ('{"a": {{"b": 1}}}', "not a template"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "the template is nested too deeply"),
        ("{{ " + "not " * 60 + "model }}", "the template is nested too deeply"),
        ("{{ 1" + " + 1" * 60 + " }}", "the template is nested too deeply"),
        ("{% if model %}" * 60 + "{% endif %}" * 60, "the template is nested too deeply"),
    ],
)
def test_template_outside_safe_subset_is_refused(source: str, message: str) -> None:
    with pytest.raises(TemplateSyntax) as caught:
        compile_template(source, "a.yaml:3:5")
    assert str(caught.value).startswith(message)


def test_template_beyond_stack_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def overflow(source: str) -> None:
        raise RecursionError  # what coverage records of a real one varies

    monkeypatch.setattr(PARSER, "parse", overflow)
    with pytest.raises(TemplateSyntax, match="nested too deeply"):
        compile_template("{% if model %}{% endif %}", "")


def test_template_refusal_explains_literal_braces() -> None:
    with pytest.raises(TemplateSyntax, match="literal: true"):
        compile_template("{{ model", "")


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}",
        "{{ body.__class__.__mro__ | default('absent') }}",
        "{{ body['__class__'] | default('absent') }}",
        "{{ request | default('absent') }}",
        "{{ self | default('absent') }}",
        "{{ body.name.__len__ | default('absent') }}",
        "{{ (1).__class__ }}",
        "{{ model.__init__.__globals__ | default('absent') }}",
        "{{ lipsum | default('absent') }}",
        "{{ cycler.__init__ | default('absent') }}",
    ],
)
def test_template_reaches_no_python_object(source: str) -> None:
    with contextlib.suppress(TemplateSyntax):
        assert rendered(source) == "absent"
