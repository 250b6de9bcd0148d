"""A user's changes of the table of conduct: what a good client of theirs does."""

from __future__ import annotations

from collections.abc import Mapping

from mockllm.core.hunting.conduct import CONDUCT, EXPECTATIONS, Expectation
from mockllm.core.json.codec import Json


class BadConduct(ValueError):
    """A mistake in a file of conduct; the message names the key."""


def expectations(content: Json) -> Mapping[str, Expectation]:
    """Return the expectations of a file's content: `{expect: {refusal: ignore, cut: recover}}`. Raise BadConduct."""
    if not isinstance(content, dict) or set(content) != {"expect"} or not isinstance(content["expect"], dict):
        raise BadConduct("expected one key, expect, with the rows of the table and what a good client does")
    found: dict[str, Expectation] = {}
    for name, value in content["expect"].items():
        if name not in CONDUCT:
            raise BadConduct(f'expect.{name}: no row is called "{name}"; the rows: {", ".join(CONDUCT)}')
        if value not in EXPECTATIONS:
            raise BadConduct(f"expect.{name}: expected one of {', '.join(EXPECTATIONS)}, found {value!r}")
        found[name] = value
    return found
