"""What an answer says, read back from the wire in neutral words, as a client would: what examples expect.

Each dialect tells a `Hearing` what it finds. What cannot be read, because a fault broke it or a scenario
wrote bytes of its own, says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from msgspec import Struct

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Usage

Channel: TypeAlias = Literal["text", "thinking", "refusal"]


class DecodedCall(Struct, frozen=True):
    """A tool call; `arguments` as JSON where they are JSON, else the text."""

    name: str
    arguments: Json


@dataclass(frozen=True, slots=True)
class DecodedResponse:
    """An answer's first choice. None where nothing was said of it. `chunks` are the visible pieces of all
    choices in the order in which they came, None of a whole answer; `error` is the provider's error object,
    of a whole answer or inside a stream."""

    text: str | None
    thinking: str | None
    refusal: str | None
    calls: tuple[DecodedCall, ...]
    finish: str | None
    usage: Usage | None
    chunks: tuple[str, ...] | None
    error: Json
    issued: Mapping[str, str] = field(default_factory=dict, compare=False)
    """The tools that were called, by the calls' ids: of all choices, where a result will name no more."""


def payloads(plan: Plan) -> Iterator[Json]:
    """The JSON of each event; of a whole answer that of its body."""
    for _, data in events(plan):
        try:
            yield loads(data)
        except JSONDecodeError:
            continue


class ResponseDecoder:
    """What was heard so far. `finish`, `usage` and `error` are set as they are heard; `understood`, once
    anything was that this protocol says."""

    def __init__(self, plan: Plan) -> None:
        self.streamed = plan.streamed
        self.understood = False
        self.finish: str | None = None
        self.usage: Usage | None = None
        self.error: Json = None
        self._said: dict[Channel, str] = {}
        self._calls: dict[Json, tuple[str, list[str]]] = {}
        self._chunks: list[str] = []
        self._issued: dict[str, str] = {}

    def say(self, channel: Channel, piece: str, choice: Json = 0, *, visible: bool = True) -> None:
        """A piece of a text; not `visible` where it only opens it."""
        if choice == 0:
            self._said[channel] = self._said.get(channel, "") + piece
        if visible:
            self._chunks.append(piece)

    def call(self, place: Json, name: str, choice: Json = 0, id: Json = None) -> None:
        """A call begins; `place` tells it from the others. `id` where its result will have nothing else."""
        if isinstance(id, str):
            self._issued[id] = name
        if choice == 0:
            self._calls[place] = (name, [])

    def argue(self, place: Json, piece: str, choice: Json = 0) -> None:
        """A piece of a call's arguments; an empty one only opens them."""
        if choice == 0 and place in self._calls:
            self._calls[place][1].append(piece)
        if piece:
            self._chunks.append(piece)

    @property
    def calls(self) -> tuple[DecodedCall, ...]:
        return tuple(DecodedCall(name, _arguments("".join(pieces))) for name, pieces in self._calls.values())

    def said(self, channel: Channel) -> str | None:
        return self._said.get(channel)

    def result(self) -> DecodedResponse | None:
        """All of it; None where nothing was understood."""
        if not self.understood:
            return None
        return DecodedResponse(
            self.said("text"),
            self.said("thinking"),
            self.said("refusal"),
            self.calls,
            self.finish,
            self.usage,
            tuple(self._chunks) if self.streamed else None,
            self.error,
            self._issued,
        )


def _arguments(text: str) -> Json:
    if not text:
        return {}
    try:
        return loads(text)
    except JSONDecodeError:
        return text
