"""A text that parameters were put into knows which of it is a template."""

from __future__ import annotations

import pickle

import pytest

from mockllm.core.values.substituted_text import SubstitutedText


@pytest.mark.parametrize("template", [None, '{{ "{" }}{{ "{" }} a }} {{ b }}'])
def test_it_is_a_text_and_survives_pickling(template: str | None) -> None:
    text = SubstitutedText("{{ a }} {{ b }}", template)
    again = pickle.loads(pickle.dumps(text))
    assert text == again == "{{ a }} {{ b }}"
    assert (type(again), again.template) == (SubstitutedText, template)
