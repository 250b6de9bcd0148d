"""A user's changes of the table of disturbances: what a good client of theirs does."""

from __future__ import annotations

from collections.abc import Mapping

from mockllm.core.hunting.disturbance_type import EXPECTATIONS, ExpectedReaction
from mockllm.core.hunting.disturbance_types import DISTURBANCES
from mockllm.core.json.codec import Json


class BadExpectations(ValueError):
    """A mistake in a file of expectations; the message names the key."""


def expectations(content: Json) -> Mapping[str, ExpectedReaction]:
    """Return the expectations of a file's content: `{expect: {refusal: ignore}}`. Raise BadExpectations."""
    if not isinstance(content, dict) or set(content) != {"expect"} or not isinstance(content["expect"], dict):
        raise BadExpectations(
            "expected one key, expect, with the rows of the table and what a good client does"
        )
    found: dict[str, ExpectedReaction] = {}
    for name, value in content["expect"].items():
        if name not in DISTURBANCES:
            raise BadExpectations(
                f'expect.{name}: no row is called "{name}"; the rows: {", ".join(DISTURBANCES)}'
            )
        if value not in EXPECTATIONS:
            raise BadExpectations(
                f"expect.{name}: expected one of {', '.join(EXPECTATIONS)}, found {value!r}"
            )
        found[name] = value
    return found
