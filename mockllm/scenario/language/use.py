"""`use`: which packs stand behind a folder's or a pack's own rules.

Apart from the file's other words, because packs are found before any rule is typed.
"""

from __future__ import annotations

from pydantic import Field, JsonValue

from mockllm.scenario.language.base import Spec


class UseSpec(Spec):
    """A pack to use, with settings."""

    pack: str
    """Its name, or `./folder`."""
    with_: dict[str, JsonValue] = Field(default_factory=dict, alias="with")
    """Values of its parameters."""
    only: list[str] | None = None
    """Only these of its rules and modifiers."""
    except_: list[str] | None = Field(None, alias="except")
    """All but these."""
