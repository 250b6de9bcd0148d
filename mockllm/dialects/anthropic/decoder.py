"""Decodes a response of Anthropic's messages. Each citation supports the whole text of its block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, objects, text_of
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Usage
from mockllm.dialects.anthropic.server_tool_decoder import ServerToolCollector
from mockllm.dialects.decoded_response import (
    DecodedCitation,
    DecodedResponse,
    ResponseDecoder,
    count_in,
    payloads,
)

FINISH: Final[Mapping[str, str]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "paused",
    "max_tokens": "length",
    "tool_use": "tool_calls",
}
"""Stop reasons that differ from the neutral values."""


def decode(plan: Plan) -> DecodedResponse | None:
    """Return the content of a response."""
    return decode_payloads(payloads(plan), ResponseDecoder(plan))


def decode_payloads(payloads: Iterable[Json], decoder: ResponseDecoder) -> DecodedResponse | None:
    """Return the content of the events or the body of a response. This protocol sends a refusal as text: text that
    ends with a refusal is reported as both."""
    counted: dict[str, Json] = {}
    server_tools, cited = ServerToolCollector(), CitationCollector(decoder)
    for payload in payloads:
        _read_payload(payload, decoder, counted, server_tools, cited)
    cited.close()
    decoder.server_tools = server_tools.decoded()
    decoder.usage = _read_usage(counted) or decoder.usage
    if decoder.finish == "refusal":
        decoder.add_text("refusal", decoder.text("text") or "", visible=False)
    return decoder.result()


def _read_payload(
    payload: Json,
    decoder: ResponseDecoder,
    counted: dict[str, Json],
    server_tools: ServerToolCollector,
    cited: CitationCollector,
) -> None:
    """Read one event, or the body of a non-streaming response."""
    match payload:
        case {"error": dict(error)}:
            decoder.recognized, decoder.error = True, error
        case {"type": "message", "content": list(blocks)}:
            _read_message(payload, decoder, counted)
            for index, block in enumerate(blocks):
                server_tools.add(index, block)
                cited.open(block)
                _read_block(index, block, decoder)
        case {"type": "message_start", "message": dict(message)}:
            _read_message(message, decoder, counted)
        case {"type": "content_block_start", "index": int(index), "content_block": dict(block)}:
            server_tools.add(index, block)
            cited.open(block)
            _read_block(index, block, decoder)
        case {"type": "content_block_delta", "delta": {"type": "citations_delta", "citation": citation}}:
            cited.add(citation)
        case {"type": "content_block_delta", "index": int(index), "delta": dict(delta)}:
            text = delta.get("partial_json")
            if not (isinstance(text, str) and server_tools.add_input(index, text)):
                _read_delta(index, delta, decoder)
        case {"type": "message_delta", "delta": dict(delta)}:
            _read_message({**payload, **delta}, decoder, counted)


def _read_message(message: Mapping[str, Json], decoder: ResponseDecoder, counted: dict[str, Json]) -> None:
    """Read the message's usage and stop reason."""
    decoder.recognized = True
    match message.get("usage"):
        case dict(usage):
            counted.update(usage)
    match message.get("stop_reason"):
        case str(reason):
            decoder.finish = FINISH.get(reason, reason)


def _read_block(index: int, block: Json, decoder: ResponseDecoder) -> None:
    """Read a block as it opens in a stream, or a complete one."""
    match block:
        case {"type": "text", "text": str(text)}:
            decoder.add_text("text", text, visible=text != "")
        case {"type": "thinking", "thinking": str(text)}:
            decoder.add_text("thinking", text, visible=text != "")
        case {"type": "tool_use", "name": str(name), "input": arguments}:
            decoder.add_call(index, name, id=block.get("id"))
            if arguments != {}:
                decoder.add_arguments(
                    index, arguments if isinstance(arguments, str) else dumps(arguments).decode()
                )


def _read_delta(index: int, delta: Json, decoder: ResponseDecoder) -> None:
    match delta:
        case {"type": "text_delta", "text": str(text)}:
            decoder.add_text("text", text)
        case {"type": "thinking_delta", "thinking": str(text)}:
            decoder.add_text("thinking", text)
        case {"type": "input_json_delta", "partial_json": str(text)}:
            decoder.add_arguments(index, text)


def _read_usage(counted: Mapping[str, Json]) -> Usage | None:
    """Return the usage; this provider's input tokens exclude the tokens read from or written to a cache."""
    if not isinstance(counted.get("input_tokens"), int):
        return None
    read, written = (
        count_in(counted, "cache_read_input_tokens"),
        count_in(counted, "cache_creation_input_tokens"),
    )
    details = counted.get("output_tokens_details")
    reasoning = count_in(details, "thinking_tokens")
    output = count_in(counted, "output_tokens")
    long = count_in(counted.get("cache_creation"), "ephemeral_1h_input_tokens")
    return Usage(count_in(counted, "input_tokens") + read + written, output, read, written, reasoning, long)


class CitationCollector:
    """Collects the citations of the open text block, and adds them to the decoded response at its end."""

    def __init__(self, decoder: ResponseDecoder) -> None:
        self._decoder = decoder
        self._start = 0
        self._open: list[dict[str, Json]] = []

    def open(self, block: Json) -> None:
        """Begin a block, before its text is read. A block of a non-streaming response has its citations."""
        self.close()
        self._start = self._position
        self._open = list(objects(object_of(block).get("citations")))

    def add(self, citation: Json) -> None:
        self._open.append(object_of(citation))

    def close(self) -> None:
        """Add the citations of the block that was open. A source without an address is left out."""
        for citation in self._open:
            url = text_of(citation.get("url"))
            if url is None:
                self._decoder.left_out[text_of(citation.get("type")) or "citations"] = None
                continue
            title, quote = text_of(citation.get("title")), text_of(citation.get("cited_text"))
            self._decoder.citations += (DecodedCitation(url, title, self._start, self._position, quote),)
        self._open = []

    @property
    def _position(self) -> int:
        return len(self._decoder.text("text") or "")
