"""Where a name or a mistake is in a template."""

from __future__ import annotations

import pytest

from mockllm.core.templates.compile_template import compile_template
from mockllm.core.templates.template import TemplateSyntax


@pytest.mark.parametrize(
    ("source", "name", "offset"),
    [
        ("a {{ user }} {{ usr }}", "usr", 16),
        ("usr {% if usr %}{% endif %}", "usr", 10),
        ("{{ a['usr'] }}", "usr", 0),
    ],
)
def test_offset_of_a_name_is_in_an_expression(source: str, name: str, offset: int) -> None:
    assert compile_template(source).name_offset(name) == offset


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("a\n{{ user }", 2),
        ("a\nb {{ user | uper }}\n{{ user }}", 2),
        ("a\n\n{% for x in tools %}{% endfor %}", 3),
        ("{% if user %}\n{{ user() }}{% endif %}", 2),
    ],
)
def test_mistake_in_a_template_has_its_line(source: str, line: int) -> None:
    with pytest.raises(TemplateSyntax) as refused:
        compile_template(source)
    assert refused.value.line == line
