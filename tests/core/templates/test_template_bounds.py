"""Templates whose text is too long: rendering ends at once, and the message is short."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json, Missing
from mockllm.core.templates.compile_template import compile_template
from mockllm.core.templates.template import (
    MAX_OUTPUT_LENGTH,
    TemplateFailure,
    TemplateScope,
)
from tests.core.rendered_templates import failure, rendered, scope


class CountingScope(TemplateScope):
    """A scope that counts the values that are read."""

    reads = 0

    def read(self, name: str) -> Json | Missing:
        self.reads += 1
        return super().read(name)


@pytest.mark.parametrize(
    "source",
    [
        "{{ long }}" * 1000,
        "{{ long | upper }}" * 1000,
        "{% if true %}" + "{{ long }}" * 1000 + "{% endif %}",
        "{% if true %}{% endif %}" + "{% if long %}{{ long }}{% endif %}" * 1000,
        "{{ " + " ~ ".join(["long"] * 1000) + " }}",
        "a{{ " + " ~ ".join(["long"] * 1000) + " }}",
    ],
    ids=["expressions", "filters", "a condition", "conditions", "parts", "parts in a text"],
)
def test_render_of_too_long_text_stops_early(source: str) -> None:
    template, values = (
        compile_template(source),
        CountingScope(scope().request, {"long": "a" * (MAX_OUTPUT_LENGTH // 4)}),
    )
    with pytest.raises(
        TemplateFailure, match=f"the text is longer than {MAX_OUTPUT_LENGTH} characters"
    ) as caught:
        template.render(values)
    assert values.reads <= 10
    assert len(caught.value.expression) <= 300


def test_render_counts_text_between_expressions() -> None:
    between = "a" * (MAX_OUTPUT_LENGTH - 3)
    assert rendered(between + "{{ body.name }}") == between + "Ada"
    assert (
        failure(between + "b{{ body.name }}").reason
        == f"the text is longer than {MAX_OUTPUT_LENGTH} characters"
    )


def test_failure_shortens_long_path() -> None:
    failed = failure("{{ body." + "abc" * 100_000 + " }}")
    assert failed.expression.startswith("{{ body.abcabc")
    assert failed.reason.startswith("body.abcabc")
    assert len(str(failed)) < 700
