"""`use`: the packs whose rules follow a folder's or a pack's own rules.

Separate from the rest of the language, because packs are resolved before any rule is typed.
"""

from __future__ import annotations

from pydantic import Field, JsonValue

from mockllm.scenario.language.base import Spec


class UseSpec(Spec):
    """A pack to use, with settings."""

    pack: str
    """The name of the pack, or `./folder`."""
    with_: dict[str, JsonValue] = Field(default_factory=dict, alias="with")
    """Values of the pack's parameters."""
    only: list[str] | None = None
    """Use only these of the pack's rules and modifiers."""
    except_: list[str] | None = Field(None, alias="except")
    """Use all of the pack's rules and modifiers except these."""
