"""Content blocks, the message around them, and its usage, which non-streaming responses and streams share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import arguments_json
from mockllm.core.reply.citations import full_text, segments
from mockllm.core.reply.reply import (
    SERVER_TOOL,
    Choice,
    Finish,
    Media,
    NativePart,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
    joined_text,
)
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.container import container_of
from mockllm.dialects.anthropic.document_citations import LocatedCitation, with_documents
from mockllm.dialects.anthropic.errors import DIALECT
from mockllm.dialects.anthropic.known_models import DEFAULT_MODEL, snapshot
from mockllm.dialects.anthropic.messages_request import MessagesRequest
from mockllm.dialects.anthropic.models import AnthropicFamily
from mockllm.dialects.anthropic.server_tools import (
    Block,
    executes_code,
    generated_block,
    request_counts,
    server_blocks,
)
from mockllm.dialects.dialect import ResponseIdentity

_STOP: Final[Mapping[Finish, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "paused": "pause_turn",
}


def supported_reply(reply: Reply, request: MessagesRequest) -> Reply:
    """Return the reply as this protocol shows it: its first choice, without images and other dialects' native parts.

    A scenario with thinking shows it for any model unless the client declines it. Redacted thinking, and thinking
    that the client omits, stays as a part without text. A text with citations is split into segments with one set of
    sources each. A use of a server tool becomes two blocks.
    """
    choice = reply.choices[0] if reply.choices else Choice(())
    parts = choice.parts
    if any(type(part) is NativePart and part.dialect == SERVER_TOOL for part in parts):
        parts = server_blocks(parts, request.pending_uses, paused=choice.finish == "paused")
    if any(type(part) is not ToolCall and not _plain(part) for part in parts):
        searched = any(type(part) is NativePart and _is_search(part.block) for part in parts)
        shown = [each for part in parts for each in _shown_parts(part, request)]
        parts = tuple([_with_documents(part, request, searched=searched) for part in shown])
    return reply.with_parts(parts)


def _is_search(block: Json) -> bool:
    return type(block) is dict and block.get("type") == "web_search_tool_result"


def _with_documents(part: Part, request: MessagesRequest, *, searched: bool) -> Part:
    if type(part) is not Text or not part.citations or not request.citable_documents:
        return part
    if any(type(citation) is LocatedCitation for citation in part.citations):
        return part
    return with_documents(part, request.citable_documents, searched=searched)


def _plain(part: Part) -> bool:
    return type(part) is Text and not part.citations


def _shown_parts(part: Part, request: MessagesRequest) -> tuple[Part, ...]:
    match part:
        case Media():
            return ()
        case NativePart(dialect=dialect) if dialect != DIALECT:
            return ()
        case Text(citations=citations) if citations:
            return segments(part)
        case Thinking() if request.declines_thinking:
            return ()
        case Thinking(redacted=redacted) if part.chunks and (request.omits_thinking or redacted):
            return (replace(part, chunks=()),)
    return (part,)


def message(reply: Reply, model: str | None, identity: ResponseIdentity, family: AnthropicFamily) -> Block:
    """Return the message without content, which opens a stream."""
    result: Block = {
        "model": reply.model or snapshot(model or DEFAULT_MODEL),
        "id": identity.ids.make("msg_01", 22),
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": usage(replace(reply.usage, output=min(reply.usage.output, 1)), family),
    }
    if not family.details:
        del result["stop_details"]
    return reply.usage.null_or_remove_usage(result, "usage")


def stop_fields(choice: Choice, family: AnthropicFamily) -> Block:
    """Return the stop reason, and its details where the model has them."""
    reason = choice.finish_value(_STOP)
    if reason == "end_turn" and choice.raw_finish is None:
        if choice.stopped_by is not None:
            reason = "stop_sequence"
        elif any(type(part) is Refusal for part in choice.parts):
            reason = "refusal"
    stop_sequence = choice.stopped_by if reason == "stop_sequence" else None
    result: Block = {"stop_reason": reason, "stop_sequence": stop_sequence}
    if family.details:
        refused = {"type": "refusal", "category": None, "explanation": None}
        result["stop_details"] = refused if reason == "refusal" else None
    return result


def native_blocks(choice: Choice) -> list[Block]:
    """Return the blocks of a choice that only this protocol has."""
    blocks = [part.block for part in choice.parts if type(part) is NativePart]
    return [block for block in blocks if type(block) is dict]


def final_usage(reply: Reply, family: AnthropicFamily) -> Block:
    """Return the usage at the end of a response, with the number of searches and fetches."""
    result = usage(reply.usage, family, final=True)
    counts = request_counts(native_blocks(reply.choices[0]))
    return result if counts is None else {**result, "server_tool_use": counts}


def container_and_edits(reply: Reply, request: Request, identity: ResponseIdentity) -> Block:
    """Return the container and the edits of the context, which a response has by its content and its request."""
    assert isinstance(request, MessagesRequest)
    result: Block = {}
    requested = request.fields.get("container")
    if requested is not None or executes_code(native_blocks(reply.choices[0])):
        result["container"] = container_of(requested, identity)
    if request.manages_context:
        result["context_management"] = {"applied_edits": list(request.applied_edits)}
    return result


def usage(counted: Usage, family: AnthropicFamily, *, final: bool = False) -> Block:
    """Return the usage as this provider counts: `input_tokens` excludes the tokens read from or written to a
    cache."""
    result: Block = {
        "input_tokens": max(counted.input - counted.cache_read - counted.cache_write, 0),
        "cache_creation_input_tokens": counted.cache_write,
        "cache_read_input_tokens": counted.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": counted.cache_write - counted.cache_write_long,
            "ephemeral_1h_input_tokens": counted.cache_write_long,
        },
        "output_tokens": counted.output,
    }
    if final and family.counts_thinking_tokens:
        result["output_tokens_details"] = {"thinking_tokens": counted.reasoning}
    result["service_tier"] = "standard"
    if family.inference_geo is not None:
        result["inference_geo"] = family.inference_geo
    return result


def delta_usage(reply: Reply, family: AnthropicFamily) -> Block:
    """Return the usage of a stream's `message_delta`: the totals, without fields that cannot change."""
    result = final_usage(reply, family)
    return {name: value for name, value in result.items() if name not in _FIXED_USAGE}


_FIXED_USAGE: Final = frozenset({"cache_creation", "service_tier", "inference_geo"})


def opening_block(
    part: Part,
    index: int,
    identity: ResponseIdentity,
    family: AnthropicFamily,
    toolset_by_tool: Mapping[str, str],
) -> Json:
    """Return a block as it opens, before its first delta. A block without deltas is complete. Collect the id of a
    tool call in `identity`.

    `toolset_by_tool`: the toolset of each tool that is a member of one.
    """
    match part:
        case Thinking(redacted=True, signature=data):
            return {"type": "redacted_thinking", "data": data or signature(index, identity)}
        case Thinking():
            return {"type": "thinking", "thinking": "", "signature": ""}
        case ToolCall(name=name, id=id):
            id = id or identity.ids.make("toolu_01", 22, str(index))
            identity.collect_tool_call(str(index), id, name)
            call: Block = {"type": "tool_use", "id": id, "name": name, "input": {}}
            if name in toolset_by_tool:
                call["toolset_name"] = toolset_by_tool[name]
            return {**call, "caller": {"type": "direct"}} if family.details else call
        case NativePart(block=block):
            return generated_block(block, index, identity)
        case Text(citations=citations) if citations:
            return {"citations": [], "type": "text", "text": ""}
        case _:
            return {"type": "text", "text": ""}


def full_block(
    part: Part,
    index: int,
    identity: ResponseIdentity,
    family: AnthropicFamily,
    toolset_by_tool: Mapping[str, str],
) -> Json:
    """Return a complete block."""
    block = opening_block(part, index, identity, family, toolset_by_tool)
    match part:
        case Thinking(redacted=False, chunks=chunks):
            block["thinking"] = joined_text(chunks)
            block["signature"] = part.signature or signature(index, identity)
        case ToolCall(chunks=chunks):
            block["input"] = arguments_json(joined_text(chunks))
        case Text():
            block["text"] = full_text(part)
            if part.citations:
                block["citations"] = citations_of(part, index, identity)
        case Refusal(chunks=chunks):
            block["text"] = joined_text(chunks)
    return block


def citations_of(text: Text, index: int, identity: ResponseIdentity) -> list[Json]:
    """Return the sources of a text: documents of the request, or results of a web search. A page without a quote
    quotes the text."""
    words, result = full_text(text), list[Json]()
    for number, citation in enumerate(text.citations):
        if type(citation) is LocatedCitation:
            result.append(citation.location)
            continue
        page = {
            "type": "web_search_result_location",
            "cited_text": citation.quote or words,
            "url": citation.url,
            "title": citation.title or citation.url,
            "encrypted_index": identity.ids.make("Eo8B", 60, f"citation.{index}.{number}"),
        }
        result.append(page)
    return result


def signature(index: int, identity: ResponseIdentity) -> str:
    """Return a replacement of the provider's signature of its thinking: 256 characters that decode as base64."""
    place = f"thinking.{index}"
    return identity.ids.make("ErUB", 60, place) + "".join(
        identity.ids.make("", 64, f"{place}.{part}") for part in range(3)
    )
