"""Decodes a response of an MCP server: the text of its content, or its error."""

from __future__ import annotations

from collections.abc import Iterator

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import list_of, object_of
from mockllm.core.rendering.plan import Plan
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, payloads


def decode(plan: Plan) -> DecodedResponse | None:
    """Return the content of a response. A tool that failed has a text, as any other."""
    decoder = ResponseDecoder(plan)
    for payload in payloads(plan):
        message = object_of(payload)
        if message.get("jsonrpc") != "2.0":
            continue
        if "error" in message:
            decoder.recognized, decoder.error = True, message["error"]
        elif "result" in message:
            decoder.recognized, decoder.finish = True, "stop"
            for text in texts(object_of(message["result"])):
                decoder.add_text("text", text)
    return decoder.result()


def texts(result: dict[str, Json]) -> Iterator[str]:
    """Yield the texts of a result, in order."""
    messages = [object_of(each).get("content") for each in list_of(result.get("messages"))]
    for block in (*list_of(result.get("content")), *messages, *list_of(result.get("contents"))):
        text = object_of(block).get("text")
        if type(text) is str:
            yield text
