"""Notes on the parts of a reply that a protocol has no form for."""

from __future__ import annotations

from collections.abc import Iterator

from mockllm.core.reply.reply import SERVER_TOOL, Media, NativePart, Part, Reply, Text
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import GeneratingDialect


def left_out_notes(reply: Reply, dialect: GeneratingDialect, request: Request) -> Iterator[str]:
    """Yield a note for each kind of part that the protocol has no form for, and one for its server tools."""
    kinds = {kind for choice in reply.choices for part in choice.parts for kind in _kinds(part)}
    if not kinds:
        return
    capabilities, call = dialect.capabilities, f"{dialect.api} of {request.provider}"
    for kind in sorted(kinds & capabilities.unsupported_parts):
        yield f"{kind} left out: {call} has none"
    tools = kinds - {"images", "citations"} - capabilities.server_tools
    if tools:
        names = ", ".join(sorted(tools)) if capabilities.server_tools else "none"
        yield f"server_tools left out: {call} has {'' if names == 'none' else 'no '}{names}"


def _kinds(part: Part) -> tuple[str, ...]:
    """Return the kinds of a part that not every protocol supports; the kind of a server tool is its name."""
    if type(part) is Media:
        return ("images",)
    if type(part) is NativePart:
        return (part.block["kind"],) if part.dialect == SERVER_TOOL else ()
    return ("citations",) if type(part) is Text and part.citations else ()
