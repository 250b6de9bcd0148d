"""What OpenAI's requests have in common, chat's and responses' above all: the values of a field that may be
anything, and the settings that both protocols call by the same names. Nothing here raises on any JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.lazy import lazy
from mockllm.core.request.request import CallPart, Part, Request, Role, TextPart

SPEAKERS: Final[dict[str, Role]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
"""Who says a message, in neutral words."""
MOST_CHOICES: Final = 128


def text_of(value: Json) -> str | None:
    return value if type(value) is str else None


def object_of(value: Json) -> dict[str, Json]:
    return value if type(value) is dict else {}


def count_of(value: Json) -> int | None:
    """A whole number above 0; None for anything else (true is no number)."""
    return value if type(value) is int and value > 0 else None


def choices_of(value: Json) -> int:
    """How many answers are asked for; no more than the service gives, also where nobody checks that."""
    return min(count_of(value) or 1, MOST_CHOICES)


def objects(value: Json) -> Iterator[dict[str, Json]]:
    return (entry for entry in value if type(entry) is dict) if type(value) is list else iter(())


def texts(value: Json) -> Iterator[str]:
    return (entry for entry in value if type(entry) is str) if type(value) is list else iter(())


class ModelRequest(Request):
    """A request that a model answers, in a body that names it."""

    dialect = "openai"

    @lazy
    def model(self) -> str | None:
        return text_of(self.fields.get("model"))

    @lazy
    def stream(self) -> bool:
        return self.fields.get("stream") is True

    @lazy
    def include_usage(self) -> bool:
        """Whether the stream shall end with a chunk of usage."""
        return object_of(self.fields.get("stream_options")).get("include_usage") is True

    @lazy
    def obfuscated(self) -> bool:
        """Whether the pieces of a stream are padded: so unless it is declined."""
        return object_of(self.fields.get("stream_options")).get("include_obfuscation") is not False

    @lazy
    def service_tier(self) -> str:
        """The tier that answers: the asked one where it is one of its own, else `default`."""
        asked = self.fields.get("service_tier")
        return asked if type(asked) is str and asked in ("flex", "priority", "scale") else "default"

    @lazy
    def custom(self) -> frozenset[str]:
        """The names of the tools that take free text instead of JSON."""
        tools = self.tools
        return frozenset([tool.name for tool in tools if tool.kind == "custom"]) if tools else frozenset()


def joined(parts: Iterable[Part]) -> str:
    """The texts among the parts, a line each."""
    return "\n".join(part.text for part in parts if type(part) is TextPart)


def call(id: str | None, said: dict[str, Json]) -> CallPart:
    """A call in the history: a function's arguments are read where they are JSON, a custom tool's input is
    text."""
    arguments = said.get("arguments")
    if arguments is None:
        arguments = said.get("input")
    elif type(arguments) is str:
        with suppress(JSONDecodeError):
            arguments = loads(arguments)
    return CallPart(id, text_of(said.get("name")), arguments)
