"""The texts of a template stay as they are written: their line ends, and characters of two escapes."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import dumps
from mockllm.core.templates.compile_template import compile_template
from mockllm.core.templates.jinja_syntax import _SPACES
from mockllm.core.templates.template import TemplateSyntax
from tests.core.rendered_templates import rendered


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a\r\n{% if turn > 0 or true %}b{% endif %}\r\n{{ body.name }}", "a\r\nb\r\nAda"),
        ("a\r{{ 1 }}\n\r\r\n", "a\r1\n\r\r\n"),
        ('{{ "a\r\nb\rc\n" }}', "a\r\nb\rc\n"),
        ("{{ 'a'\r\n ~\r'b' }}", "ab"),
        ("a \r\n{{- 'b' -}} \r\n c", "abc"),
        ("{% raw %}a\r\n{{{% endraw %}", "a\r\n{{"),
        ("a{# \r\n #}\r\nb{{ 1 }}", "a\r\nb1"),
        ('\r{{ "\\x1c" }}{% if true %}\x1c{% endif %}', "\r\x1c\x1c"),
        (f"\r\n{_SPACES}{{{{ 1 }}}}", f"\n{_SPACES}1"),
    ],
)
def test_line_ends_stay_as_they_are_written(source: str, text: str) -> None:
    assert rendered(source) == text


def test_mistake_after_other_line_ends_has_its_line() -> None:
    with pytest.raises(TemplateSyntax) as refused:
        compile_template("a\r\nb {{ user | uper }}\r\n")
    assert refused.value.line == 2


@pytest.mark.parametrize("space", _SPACES)
def test_replaced_line_ends_are_white_space(space: str) -> None:
    assert space.isspace()
    assert rendered(_SPACES.replace(space, "") + "\r\n{{- 'a'\r}}\r\n{{ 1 }}") == "a\r\n1"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r'{{ "\ud83d\ude00" }} {{ body.name }}', "😀 Ada"),
        (r'{{ "\ud83d" "\ude00" }}', "😀"),
        (r'{{ "a" | replace("a", "é\ud83d\ude00") }}', "é😀"),
        (r'{{ body["\ud83d\ude00"] }}', "smile"),
    ],
)
def test_pair_of_surrogates_is_one_character(source: str, text: str) -> None:
    value = rendered(source, body={"name": "Ada", "😀": "smile"})
    assert value == text
    dumps(value)


@pytest.mark.parametrize(
    "constant",
    [
        r'"\ud800"',
        r'"\ude00\ud83d"',
        r'"\ud83d" ~ "\ude00"',
        r'"a" | replace("a", "\ud800")',
        r'body["\udc00"]',
    ],
)
def test_half_of_a_character_is_an_error_at_load(constant: str) -> None:
    with pytest.raises(TemplateSyntax, match="half of a character") as refused:
        compile_template(f"a\n{{{{ {constant} }}}}")
    assert refused.value.line == 2
