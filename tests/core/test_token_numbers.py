"""Texts become numbers of tokens, and these the same texts again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockllm.core.token_numbers import MAX_BYTES, text_of_tokens, token_numbers, token_string
from mockllm.core.tokens import estimate


@given(st.text())
def test_tokens_of_any_text_become_the_text(text: str) -> None:
    numbers = token_numbers(text)
    assert text_of_tokens(numbers) == text
    assert all(0 <= number < 2**53 for number in numbers)


@given(st.text(), st.integers(0, 99))
def test_tokens_have_the_requested_number_where_possible(text: str, count: int) -> None:
    numbers, length = token_numbers(text, count), len(text.encode())
    assert text_of_tokens(numbers) == text
    assert len(numbers) == min(length, max(count, -(-length // MAX_BYTES)))


def test_tokens_are_as_many_as_the_estimate() -> None:
    text = "Where is the order that I sent you a week ago?"
    numbers = token_numbers(text)
    assert len(numbers) == estimate(text)
    assert "".join(map(token_string, numbers)) == text


@pytest.mark.parametrize("number", [0, 7, 2**63 - 1])
def test_number_of_no_text_is_a_sign(number: int) -> None:
    assert token_string(number) == "\N{REPLACEMENT CHARACTER}"
