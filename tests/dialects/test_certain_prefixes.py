"""What the server and the tools know of paths with a provider's prefix."""

from __future__ import annotations

import pytest

from mockllm.dialects.provider_facts import begins_with_prefix, certain_prefixes
from mockllm.dialects.providers import BY_NAME


def test_name_that_begins_an_own_path_is_no_certain_prefix() -> None:
    """Azure's own paths begin with `/openai`."""
    assert certain_prefixes() == BY_NAME.keys() - {"openai"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/together/v1/chat/completions", True),
        ("/openai/v1/chat/completions", False),
        ("/v1/chat/completions", False),
        ("", False),
    ],
)
def test_prefix_is_the_first_segment(path: str, expected: bool) -> None:
    assert begins_with_prefix(path) is expected
