"""The parts of a reply for which a protocol has no form: notes of them, and the reply without media among them.

The dialect itself leaves out all others.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from msgspec.structs import replace

from mockllm.core.reply.reply import SERVER_TOOL, Media, NativePart, Part, Reply, Text
from mockllm.dialects.dialect import GeneratingDialect

MEDIA: Final = frozenset({"audio", "video"})
"""The words of media for which most protocols have no form."""


def without_unsupported(
    reply: Reply, dialect: GeneratingDialect, provider: str | None
) -> tuple[Reply, list[str]]:
    """Return the reply without media that the protocol lacks, and a note for each kind of part that it lacks."""
    capabilities = dialect.capabilities
    unsupported = capabilities.unsupported_parts | (MEDIA - capabilities.media)
    if not capabilities.server_tools:
        unsupported |= {"server_tools"}
    kinds = {kind for choice in reply.choices for part in choice.parts for kind in _kinds(part)}
    left_out = sorted(unsupported & kinds)
    notes = [f"{kind} left out: {dialect.api} of {provider} has none" for kind in left_out]
    return (reply if MEDIA.isdisjoint(left_out) else _without_media(reply, left_out)), notes


def _without_media(reply: Reply, kinds: Collection[str]) -> Reply:
    choices = (
        replace(
            choice,
            parts=tuple(part for part in choice.parts if type(part) is not Media or part.kind not in kinds),
        )
        for choice in reply.choices
    )
    return replace(reply, choices=tuple(choices))


def _kinds(part: Part) -> tuple[str, ...]:
    """Return the kinds of a part that not every protocol supports."""
    if type(part) is Media:
        return (part.kind,)
    if type(part) is NativePart:
        return ("server_tools",) if part.dialect == SERVER_TOOL else ()
    return ("citations",) if type(part) is Text and part.citations else ()
