"""A text that parameters were put into knows which of it is a template."""

from __future__ import annotations

import pickle

import pytest

from mockllm.core.templates.template import SubstitutedText


@pytest.mark.parametrize("template", [None, '{{ "{" }}{{ "{" }} a }} {{ b }}'])
def test_substituted_text_is_str_and_can_be_pickled(template: str | None) -> None:
    text = SubstitutedText("{{ a }} {{ b }}", template)
    again = pickle.loads(pickle.dumps(text))
    assert text == again == "{{ a }} {{ b }}"
    assert (type(again), again.template) == (SubstitutedText, template)
