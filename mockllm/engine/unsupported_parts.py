"""The parts of a reply for which a protocol has no form: notes of them, and the reply without media among them. The
dialect itself leaves out all others. Also the note on an error that ends a stream."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from msgspec.structs import replace

from mockllm.core.reply.reply import SERVER_TOOL, Media, NativePart, Part, Reply, Text, Thinking, ToolCall
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ReplyDialect
from mockllm.scenario.language.reply import ReplySpec
from mockllm.scenario.reply_renderer import ReplyRenderer

MEDIA: Final = frozenset({"audio", "video"})
"""The keys of media for which most protocols have no form."""
_NO_TOOLS: Final = {"images", "citations", "thinking", "redacted_thinking", "tool_calls"}
_COUNTED: Final = {
    "thinking": "; its tokens count in the usage and towards max_tokens",
    "tool_calls": "; their tokens count in the usage and towards max_tokens",
}
"""The ends of the notes on parts that cost tokens also where they are left out."""


def render(renderer: ReplyRenderer, spec: object, dialect: ReplyDialect) -> Reply:
    """Return the reply of a specification. Where a response has one choice, this is the first, which alone is billed;
    a note of the renderer says so. Calls for media have further ones: they join their texts."""
    assert isinstance(spec, ReplySpec)
    choices = spec.choices
    if choices and len(choices) > 1 and not (dialect.capabilities.choices or renderer.request.makes_media):
        renderer.notes.append("choices left out after the first: the call has one")
        spec = spec.model_copy(update={"choices": choices[:1]})
    return renderer.reply(spec)


def reply_notes(reply: Reply, dialect: ReplyDialect, request: Request, *, streamed: bool) -> Iterator[str]:
    """Yield the notes on a reply: on the parts that its protocol lacks, and on the error that ends its stream."""
    yield from unsupported_part_notes(reply, dialect, request)
    if streamed and reply.failure is not None:
        yield f"an error ends the stream: {reply.failure.short_message}"


def unsupported_part_notes(reply: Reply, dialect: ReplyDialect, request: Request) -> Iterator[str]:
    """Yield a note for each kind of part that the protocol has no form for, and one for its server tools."""
    kinds = {kind for choice in reply.choices for part in choice.parts for kind in _kinds(part)}
    if not kinds:
        return
    capabilities, call = dialect.capabilities, f"{dialect.api} of {request.provider}"
    for kind in sorted(kinds & (capabilities.unsupported_parts | _lacking(dialect, request))):
        if kind in capabilities.requested_media:
            yield f"{kind} left out: the request wants none"
            continue
        yield f"{kind} left out: {call} has none{_COUNTED.get(kind, '')}"
    tools = kinds - _NO_TOOLS - MEDIA - capabilities.server_tools
    if tools:
        names = ", ".join(sorted(tools)) if capabilities.server_tools else "none"
        yield f"server_tools left out: {call} has {'' if names == 'none' else 'no '}{names}"


def without_unsupported_media(reply: Reply, dialect: ReplyDialect, request: Request) -> Reply:
    """Return the reply without the media that the protocol lacks or the request does not want."""
    kinds = _lacking(dialect, request)
    if any(_is_media(part, kinds) for choice in reply.choices for part in choice.parts):
        choices = (
            replace(choice, parts=tuple(part for part in choice.parts if not _is_media(part, kinds)))
            for choice in reply.choices
        )
        return replace(reply, choices=tuple(choices))
    return reply


def _lacking(dialect: ReplyDialect, request: Request) -> frozenset[str]:
    """Return the media and the encrypted thinking without a form in the response."""
    capabilities = dialect.capabilities
    lacking = (MEDIA | capabilities.requested_media) - capabilities.media
    if not capabilities.redacted_thinking:
        lacking |= {"redacted_thinking"}
    if capabilities.requested_media:
        lacking -= capabilities.requested_media & request.requested_media
    return lacking


def _is_media(part: Part, kinds: Collection[str]) -> bool:
    return type(part) is Media and part.kind in kinds


def _kinds(part: Part) -> tuple[str, ...]:
    """Return the kinds of a part that not every protocol supports; the kind of a server tool is its name."""
    if type(part) is Media:
        return (part.kind,)
    if type(part) is Thinking:
        return ("redacted_thinking" if part.redacted else "thinking",)
    if type(part) is ToolCall:
        return ("tool_calls",)
    if type(part) is NativePart:
        return (part.block["kind"],) if part.dialect == SERVER_TOOL else ()
    return ("citations",) if type(part) is Text and part.citations else ()
