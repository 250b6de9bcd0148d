"""The parts of a reply that the provider makes: uses of its tools, and thinking whose text it has encrypted."""

from __future__ import annotations

from typing import Literal

from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import SERVER_TOOL, NativePart, Part, Thinking
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.server_tools import ServerTools


def redacted(spec: Literal[True] | str) -> Thinking:
    """Return thinking without a text. The dialect makes the data where the scenario has none."""
    return Thinking((), None if spec is True else spec, redacted=True)


def server_tools(specs: ServerTools | None) -> list[Part]:
    """Return the uses of server tools as parts: blocks of their kind and their fields."""
    parts: list[Part] = []
    for spec in specs or ():
        (kind,) = spec.model_fields_set
        use = getattr(spec, kind)
        fields = {name: _plain(getattr(use, name)) for name in type(use).model_fields}
        parts.append(NativePart(SERVER_TOOL, {"kind": kind, **fields}))
    return parts


def _plain(value: object) -> Json:
    """Return a value of a specification as JSON: mappings of the language in a list as objects."""
    if isinstance(value, list) and value and isinstance(value[0], Spec):
        return [{name: getattr(item, name) for name in type(item).model_fields} for item in value]
    return value
