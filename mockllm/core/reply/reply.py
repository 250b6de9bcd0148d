"""Replies: the neutral content of responses, before any wire format. A reply has choices, a choice has parts, each
part but a native one has chunks.

A *chunk* is the content of the event or events that an encoder makes of it. A dialect turns a Reply into events
(`Encoder`) or into one body; it never decides on the content.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.reply.transcript import Transcript

Finish: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "paused"]
"""The reason why a response ended, as a provider-neutral value, which each dialect translates. `paused`: the provider
interrupts a long turn, which the client continues. A protocol without a value for this has `stop`."""

Harm: TypeAlias = Literal["hate", "self_harm", "sexual", "violence"]
"""The categories of content filters, as provider-neutral values."""


class Pause(Struct, frozen=True):
    """An explicit wait between two chunks, in seconds."""

    seconds: float


class Verbatim(Struct, frozen=True):
    """Bytes that are sent unchanged between two chunks (`raw` and `comment` of a script)."""

    data: bytes


ContentElement: TypeAlias = str | Pause | Verbatim
"""An element of a part: text, or a pause or bytes between two texts."""


_TEXT_ONLY: Final = {str}


def joined_text(chunks: tuple[ContentElement, ...]) -> str:
    """Return the text of the chunks, without pauses and bytes between them."""
    if set(map(type, chunks)) == _TEXT_ONLY:
        return "".join(chunks)  # type: ignore[arg-type]  # all are texts
    return "".join(chunk for chunk in chunks if type(chunk) is str)


class Citation(Struct, frozen=True):
    """A source of a text: `quote` is the text of the source. `start` and `end` enclose the characters that the
    source supports (`end` None: to the text's end)."""

    url: str
    title: str | None = None
    quote: str | None = None
    start: int = 0
    end: int | None = None


class Text(Struct, frozen=True):
    """A text of the response."""

    chunks: tuple[ContentElement, ...]
    """The chunks (`str`), with pauses and raw bytes between them, which are not numbered."""
    tokens: int | None = None
    """The number of tokens, where it is known; else it is estimated."""
    whole: str | None = None
    """The text of a non-streaming response, in place of the joined chunks."""
    citations: tuple[Citation, ...] = ()
    exact_chunks: bool = False
    """Whether the scenario lists the chunks one by one."""


class Thinking(Struct, frozen=True):
    """Thinking before the response."""

    chunks: tuple[ContentElement, ...]
    signature: str | None = None
    """None: the dialect generates one where its protocol has one."""
    redacted: bool = False


class ToolCall(Struct, frozen=True):
    """A tool call. The chunks join to the arguments' JSON text (which may be broken on purpose)."""

    name: str
    chunks: tuple[ContentElement, ...]
    id: str | None = None
    """None: one of the response's generated ids."""

    def in_one_chunk(self) -> ToolCall:
        """Return the call with its arguments in one chunk, after the waits between its chunks."""
        if len(self.chunks) == 1 and type(self.chunks[0]) is str:
            return self
        waits = [chunk for chunk in self.chunks if type(chunk) is not str]
        return replace(self, chunks=(*waits, joined_text(self.chunks)))


class Refusal(Struct, frozen=True):
    """A refusal of the model."""

    chunks: tuple[ContentElement, ...]


class Media(Struct, frozen=True):
    """A generated image, audio or video; `data` is base64. It is one chunk without text, unless the call sends it in
    several: then the chunks are base64."""

    mime: str
    data: str
    chunks: tuple[ContentElement, ...] = ("",)
    seconds: float | None = None
    size: str | None = None
    """How long it lasts and how large it is, where the scenario sets that."""
    generated: bool = False
    """Whether the scenario has no bytes for it: a dialect may make it anew in the requested format."""

    @property
    def kind(self) -> Literal["images", "audio", "video"]:
        """The key for it in the language."""
        first = self.mime.partition("/")[0]
        return "audio" if first == "audio" else "video" if first == "video" else "images"


SERVER_TOOL: Final = "server_tool"
"""In place of a dialect: the block is a use of a tool that the provider runs, in provider-neutral form."""


class NativePart(Struct, frozen=True):
    """A block that one dialect sends as written, and the others leave out. A dialect that has server tools makes its
    own blocks of those in provider-neutral form."""

    dialect: str
    block: Json


Part: TypeAlias = Text | Thinking | ToolCall | Refusal | Media | NativePart


def texts_of(parts: Iterable[Part]) -> tuple[Text, ...]:
    """Return the texts among parts. A refusal is a text, too."""
    return tuple(
        part if type(part) is Text else Text(part.chunks)
        for part in parts
        if type(part) is Text or type(part) is Refusal
    )


class Choice(Struct, frozen=True):
    """One of the alternatives of a response; nearly all responses have one."""

    parts: tuple[Part, ...]
    finish: Finish = "stop"
    stopped_by: str | None = None
    """The stop sequence that cut the text, if any."""
    flagged: Harm | None = None
    """The category that a content filter reported, if any."""
    raw_finish: str | None = None
    """The finish reason as a value of the response's protocol, in place of `finish`."""

    def finish_value(self, values: Mapping[Finish, str]) -> str:
        """Return the finish reason as a protocol's value; `values` has it for each neutral one."""
        if self.raw_finish is not None:
            return self.raw_finish
        return values[self.finish if self.finish in values else "stop"]

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(part for part in self.parts if type(part) is ToolCall)

    @property
    def text(self) -> str:
        """The text of all text parts, as in a non-streaming response."""
        return "".join(
            part.whole if part.whole is not None else joined_text(part.chunks)
            for part in self.parts
            if type(part) is Text
        )

    @property
    def thinks(self) -> bool:
        """Whether it contains reasoning."""
        return any(type(part) is Thinking for part in self.parts)


MAX_TOKENS: Final = 2**53 - 1
"""The largest token count: every JSON parser has it exactly, and sums of counts stay within 64 bits."""


class Usage(Struct, frozen=True):
    """Token counts. `input` includes both caches and `output` includes reasoning. Each dialect adds them up as its
    provider does (in which providers differ most)."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    cache_write_long: int = 0
    """The tokens of `cache_write` that are cached for longer than five minutes."""
    stated: int | None = None
    """The total in the response, in place of the true one."""
    presence: Literal["counted", "null", "missing"] = "counted"
    """Whether the response has the counts, null in their place, or nothing (both by a fault)."""

    @property
    def total(self) -> int:
        return self.input + self.output if self.stated is None else self.stated

    def null_or_remove_usage(self, payload: dict[str, Json], name: str) -> dict[str, Json]:
        """Return the payload with usage under `name`, null or nothing, as `presence` requires; changes it."""
        if self.presence == "null":
            payload[name] = None
        elif self.presence == "missing":
            payload.pop(name, None)
        return payload


class Reply(Struct, frozen=True):
    """The content of a response. `model` None: the model of the request. `failure`: what ends it early.

    `extras` holds the fields of single dialects, by dialect: they are merged into the response.
    """

    choices: tuple[Choice, ...]
    usage: Usage = Usage(0, 0)
    model: str | None = None
    failure: Failure | None = None
    unfinished: bool = False
    """Whether its stream has no finish reason, though no error ends it (see `has_finish_reason`)."""
    extras: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    event_extras: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """By dialect and by the name of an event: members that are merged into the events of that name in a stream."""
    mcp_members: Mapping[str, Json] = {}
    """The parts that only the reply of an MCP server has, by the keys of the language."""
    transcript: Transcript | None = None
    """The parts of a transcript beside its text."""

    @property
    def has_finish_reason(self) -> bool:
        """Whether a stream of it has a finish reason: neither an error ends it, nor is it `unfinished`."""
        return self.failure is None and not self.unfinished

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts of all choices."""
        return tuple(part for choice in self.choices for part in choice.parts)

    def media(self, kind: str) -> list[Media]:
        """Return the media of one kind."""
        return [part for part in self.parts if type(part) is Media and part.kind == kind]

    def with_parts(self, parts: Iterable[Part]) -> Reply:
        """Return the reply with its first choice alone, which has these parts; itself where nothing changes."""
        first, changed = self.choices[0] if self.choices else Choice(()), tuple(parts)
        if changed == first.parts and len(self.choices) == 1:
            return self
        return replace(self, choices=(replace(first, parts=changed),))

    def with_usage(self, usage: Usage) -> Reply:
        return replace(self, usage=usage)


class ReplySize(NamedTuple):
    """How much a reply has. A part without chunks counts as one chunk."""

    chunks: int
    characters: int


def reply_size(reply: Reply) -> ReplySize:
    """Return the size of a reply."""
    sizes = [_part_size(part) for choice in reply.choices for part in choice.parts]
    return ReplySize(sum(size.chunks for size in sizes), sum(size.characters for size in sizes))


def _part_size(part: Part) -> ReplySize:
    if type(part) is NativePart:
        return ReplySize(1, len(dumps(part.block)))
    assert not isinstance(part, NativePart)
    characters = 0
    for chunk in part.chunks:
        characters += len(chunk) if type(chunk) is str else len(getattr(chunk, "data", b""))
    if type(part) is Text:
        characters += len(part.whole or "")
    elif type(part) is ToolCall:
        characters += len(part.name)
    elif type(part) is Media:
        characters += len(part.data)
    return ReplySize(max(1, len(part.chunks)), characters)


class GeneratedToolCall(Struct, frozen=True, eq=False):
    """The tool call of an offered tool with generated arguments. The chunks join to `text`, the arguments."""

    tool: str
    text: str
    chunks: tuple[str, ...]
    output_tokens: int
    """The tokens of the name and the arguments."""
    in_chunks: bool
    """Whether the arguments are cut into chunks: those of a stream."""
    notes: tuple[str, ...] = ()
    fits_placeholders: bool = True
    """Whether the arguments may fill the placeholders of a cached response. They are an object that is neither empty
    nor long, in at most 250 chunks, and no limit on the output cuts them. The tool is a function."""
