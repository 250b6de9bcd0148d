"""The content of a response in provider-neutral form, decoded from the bytes as a client decodes them;
examples check it.

Each dialect reports its findings to a `ResponseDecoder`. The decoder ignores bytes that cannot be read
because a fault broke them or a scenario wrote raw bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.reply import Usage

TextChannel: TypeAlias = Literal["text", "thinking", "refusal"]


class DecodedToolCall(Struct, frozen=True):
    """A tool call; `arguments` as JSON where they are JSON, else the text."""

    name: str
    arguments: Json


class DecodedServerTool(Struct, frozen=True):
    """A use of a tool that the provider runs, in the words of a reply's `server_tools`."""

    kind: str
    words: Mapping[str, Json]


class DecodedCitation(Struct, frozen=True):
    """A source of the text from `start` to `end`; `end` None: to the text's end. `quote`: the text of the source."""

    url: str
    title: str | None = None
    start: int = 0
    end: int | None = None
    quote: str | None = None


@dataclass(frozen=True, slots=True)
class DecodedResponse:
    """A response's first choice. A field is None where the response does not contain it. `chunks` are the
    visible chunks of all choices in order of arrival, None for a non-streaming response. `error` is the
    provider's error object, of a non-streaming response or inside a stream."""

    text: str | None
    thinking: str | None
    refusal: str | None
    calls: tuple[DecodedToolCall, ...]
    finish: str | None
    usage: Usage | None
    chunks: tuple[str, ...] | None
    error: Json
    tools_by_call_id: Mapping[str, str] = field(default_factory=dict, compare=False)
    """The called tools by call id, of all choices, for protocols whose results repeat only the id."""
    server_tools: tuple[DecodedServerTool, ...] = ()
    """The tools that the provider ran, in order."""
    citations: tuple[DecodedCitation, ...] = ()
    """The sources of the text."""
    left_out: tuple[str, ...] = field(default=(), compare=False)
    """What the response has beside all this, in the protocol's names."""


def read_called_tools(
    plan: Plan, count: int, decode: Callable[[Plan], DecodedResponse | None]
) -> Mapping[str, str] | None:
    """Return the tools that a response calls, by call id: `count` calls. Events that only continue a call are read
    only where the others do not have all."""
    first = tuple([step for step in plan.steps if type(step) is not EventStep or step.kind != "chunk"])
    decoded = decode(replace(plan, steps=first)) if len(first) < len(plan.steps) else None
    if decoded is None or len(decoded.tools_by_call_id) != count:
        decoded = decode(plan)
    return None if decoded is None else decoded.tools_by_call_id


def payloads(plan: Plan) -> Iterator[Json]:
    """Yield the JSON of each event; for a non-streaming response that of its body."""
    for data, _ in events(plan):
        try:
            yield loads(data)
        except JSONDecodeError:
            continue


def count_in(counts: Json, name: str) -> int:
    """Return a count of a usage; 0 where it has none of this name."""
    count = counts.get(name) if isinstance(counts, dict) else None
    return count if isinstance(count, int) else 0


class ResponseDecoder:
    """The content decoded so far. `finish`, `usage` and `error` are set once decoded. `recognized` is true
    once any part of the protocol was decoded."""

    def __init__(self, plan: Plan) -> None:
        self.streamed = plan.streamed
        self.recognized = False
        self.finish: str | None = None
        self.usage: Usage | None = None
        self.error: Json = None
        self.server_tools: tuple[DecodedServerTool, ...] = ()
        self.citations: tuple[DecodedCitation, ...] = ()
        self.left_out: dict[str, None] = {}
        self._texts: dict[TextChannel, str] = {}
        self._calls: dict[Json, tuple[str, list[str]]] = {}
        self._chunks: list[str] = []
        self._tools_by_call_id: dict[str, str] = {}

    def add_text(self, channel: TextChannel, chunk: str, choice: Json = 0, *, visible: bool = True) -> None:
        """Add a chunk to a text; `visible` is false where the chunk only opens the text."""
        if choice == 0:
            self._texts[channel] = self._texts.get(channel, "") + chunk
        if visible:
            self._chunks.append(chunk)

    def add_call(self, place: Json, name: str, choice: Json = 0, id: Json = None) -> None:
        """Begin a call. `place` distinguishes it from other calls; `id` is set where a result repeats nothing
        else."""
        if isinstance(id, str):
            self._tools_by_call_id[id] = name
        if choice == 0:
            self._calls[place] = (name, [])

    def add_arguments(self, place: Json, chunk: str, choice: Json = 0) -> None:
        """Add a chunk to a call's arguments; an empty chunk only opens them."""
        if choice == 0 and place in self._calls:
            self._calls[place][1].append(chunk)
        if chunk:
            self._chunks.append(chunk)

    @property
    def calls(self) -> tuple[DecodedToolCall, ...]:
        return tuple(
            DecodedToolCall(name, _arguments("".join(chunks))) for name, chunks in self._calls.values()
        )

    def text(self, channel: TextChannel) -> str | None:
        return self._texts.get(channel)

    def result(self) -> DecodedResponse | None:
        """Return the decoded response; None where nothing was recognized."""
        if not self.recognized:
            return None
        return DecodedResponse(
            self.text("text"),
            self.text("thinking"),
            self.text("refusal"),
            self.calls,
            self.finish,
            self.usage,
            tuple(self._chunks) if self.streamed else None,
            self.error,
            self._tools_by_call_id,
            self.server_tools,
            self.citations,
            tuple(self.left_out),
        )


def _arguments(text: str) -> Json:
    if not text:
        return {}
    try:
        return loads(text)
    except JSONDecodeError:
        return text
