"""The limit on the components of vectors."""

from __future__ import annotations

import pytest

from mockllm.core.budget import BudgetExceeded, check_vector_size


def test_components_up_to_the_limit_are_allowed() -> None:
    check_vector_size(10_000_000)
    check_vector_size(1_000, values=1)


def test_components_beyond_the_limit_name_the_option() -> None:
    with pytest.raises(BudgetExceeded, match=r"more than 1,000 components .* --max-generated-values"):
        check_vector_size(1_001, values=1)
