"""The limit on the components of vectors."""

from __future__ import annotations

import pytest

from mockllm.core.budget import BudgetExceeded, require_components


def test_components_up_to_the_limit_are_allowed() -> None:
    require_components(10_000_000)
    require_components(1_000, values=1)


def test_components_beyond_the_limit_name_the_option() -> None:
    with pytest.raises(BudgetExceeded, match=r"more than 1,000 components .* --max-generated-values"):
        require_components(1_001, values=1)
