"""The limits on the components of vectors, and on echoed prompts."""

from __future__ import annotations

import pytest

from mockllm.core.budget import BudgetExceeded, check_echo_size, check_vector_size


def test_components_up_to_the_limit_are_allowed() -> None:
    check_vector_size(10_000_000)
    check_vector_size(1_000, values=1)


def test_components_beyond_the_limit_name_the_option() -> None:
    with pytest.raises(BudgetExceeded, match=r"more than 1,000 components .* --max-generated-values"):
        check_vector_size(1_001, values=1)


def test_echo_up_to_the_limit_is_allowed() -> None:
    check_echo_size(1_000_000)
    check_echo_size(100, values=1)


def test_echo_beyond_the_limit_names_the_option() -> None:
    with pytest.raises(BudgetExceeded, match=r"more than 100 characters .* --max-generated-values"):
        check_echo_size(101, values=1)
