"""POST …/responses of xAI: its ids, and its changes to OpenAI's objects, which depend on the request.

From recordings of June to August 2026.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import JsonObject
from mockllm.core.json.typed_values import objects, text_of
from mockllm.core.randomness import BASE62
from mockllm.core.request.request import Request
from mockllm.dialects.openai.responses.object import DEFAULT_LOCATION
from mockllm.dialects.openai.responses.request import ResponsesRequest
from mockllm.dialects.vendors.object_edits import (
    OPENAI_MEMBERS,
    drop,
    items_of,
    response_of,
    serve_by_default,
    without_own_settings,
)
from mockllm.dialects.vendors.response_ids import CALL, ITEMS, RESPONSE, UUID, CountedIds
from mockllm.dialects.vendors.responses import VendorResponses
from mockllm.dialects.vendors.vendor import Edit

SEALED: Final = "reasoning.encrypted_content"
"""The optional content that seals the reasoning."""


class XaiIds(CountedIds):
    """The UUID of the response also in its items, behind OpenAI's prefix. Its calls share another UUID."""

    __slots__ = ()

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        if prefix == RESPONSE:
            return UUID.make(self._ids, prefix)
        if prefix == CALL:
            return f"call-{UUID.make(self._ids, CALL)}-{self.number(prefix, place)}"
        if prefix not in ITEMS:
            return self._ids.make(prefix, length, place, alphabet)
        number = self.number(prefix, place)
        ending = f"_{number}" if prefix in ("fc_", "ctc_") or number else ""
        return prefix + UUID.make(self._ids, RESPONSE) + ending


DEFAULTS: Final = {"temperature": 0.7, "top_p": 0.95}
TOOLS: Final = {
    "web_search_call": "web_search_calls",
    "x_search_call": "x_search_calls",
    "code_interpreter_call": "code_interpreter_calls",
    "file_search_call": "file_search_calls",
    "mcp_call": "mcp_calls",
    "document_search_call": "document_search_calls",
    "image_generation_call": "image_generation_calls",
}
"""The names by which the usage counts the calls of xAI's tools, by the types of their items."""


def edit_response(payload: JsonObject) -> None:
    """Drop padding and billing. Reasoning has a status and is sealed at its end; the usage has a price."""
    opens = payload.get("type") == "response.output_item.added"
    drop(payload, "obfuscation")
    for item in items_of(payload):
        drop(item, "phase")
        if item["type"] == "reasoning":
            item["status"] = "in_progress" if opens else "completed"
            drop(item, "content", *(("encrypted_content",) if opens else ()))
    response = response_of(payload)
    if response is None:
        return
    serve_by_default(response)
    drop(response, *OPENAI_MEMBERS)
    drop(response["text"], "verbosity")
    drop(response["text"]["format"], "name", "strict", "description")
    for tool in response["tools"]:
        without_own_settings(tool)
        if tool.get("user_location") == DEFAULT_LOCATION:
            drop(tool, "user_location")
    reasoning = ("low", "detailed") if response is payload else (None, None)
    response["reasoning"] = dict(zip(("effort", "summary"), reasoning, strict=True))
    response["metadata"] = {**response["metadata"], "system_fingerprint": "fp_eb3c003fc66c14ed"}
    for name, value in DEFAULTS.items():
        response[name] = value if response[name] in (1.0, 0.98) else response[name]
    usage = response.get("usage")
    if usage is not None:
        drop(usage["input_tokens_details"], "cache_write_tokens")
        used = [item["type"] for item in response["output"] if item["type"] in TOOLS]
        usage |= {
            "num_sources_used": 0,
            "num_server_side_tools_used": len(used),
            "cost_in_usd_ticks": 9243500,
        }
        if used:
            usage["server_side_tool_usage_details"] = {name: used.count(type) for type, name in TOOLS.items()}
        usage["context_details"] = {name: usage[name] for name in ("input_tokens", "output_tokens")}


class XaiResponses(VendorResponses):
    """The responses call. Only a request that includes it gets encrypted content. A tool without `strict` is echoed
    with false, and in a stream with null."""

    def own_edit(self, request: Request) -> Edit | None:
        assert isinstance(request, ResponsesRequest)
        edit, sealed = self.vendor.edit_response, SEALED in request.included
        tools = objects(request.fields.get("tools"))
        loose = {text_of(tool.get("name")) for tool in tools if tool.get("strict") is None}
        assert edit is not None

        def edit_object(payload: JsonObject) -> None:
            edit(payload)
            for item in () if sealed else items_of(payload):
                if item["type"] == "reasoning":
                    drop(item, "encrypted_content")
            response = response_of(payload)
            for tool in () if response is None else response["tools"]:
                if tool["type"] == "function" and text_of(tool.get("name")) in loose:
                    tool["strict"] = False if response is payload else None

        return edit_object
