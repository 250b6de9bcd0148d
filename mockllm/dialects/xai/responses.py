"""POST …/responses of xAI, whose form depends on the request (recordings of June to August 2026)."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.typed_values import objects, text_of
from mockllm.core.request.request import Request
from mockllm.dialects.openai.responses.request import ResponsesRequest
from mockllm.dialects.vendors.object_edits import Object, drop, items_of, response_of
from mockllm.dialects.vendors.responses import VendorResponses
from mockllm.dialects.vendors.vendor import Edit

SEALED: Final = "reasoning.encrypted_content"
"""The optional content that seals the reasoning."""


class XaiResponses(VendorResponses):
    """The responses call. Only a request that includes it gets encrypted content. A tool without `strict` is echoed
    with false, and in a stream with null."""

    def own_edit(self, request: Request) -> Edit | None:
        assert isinstance(request, ResponsesRequest)
        edit, sealed = self.vendor.edit_response, SEALED in request.included
        loose = {
            text_of(tool.get("name")) for tool in objects(request.fields.get("tools")) if "strict" not in tool
        }
        assert edit is not None

        def edit_object(payload: Object) -> None:
            edit(payload)
            for item in () if sealed else items_of(payload):
                if item["type"] == "reasoning":
                    drop(item, "encrypted_content")
            response = response_of(payload)
            for tool in () if response is None else response["tools"]:
                if tool["type"] == "function" and text_of(tool.get("name")) in loose:
                    tool["strict"] = False if response is payload else None

        return edit_object
