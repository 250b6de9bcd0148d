"""The calls on a response's input.

POST /v1/responses/input_tokens returns the token count of an input. POST /v1/responses/compact returns a long
conversation as its user messages and one sealed item. The server compacts nothing: it treats the sealed item
like any other item of the model.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.randomness import HEX
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Usage
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.headers import body_plan
from mockllm.dialects.openai.responses.check import check_input
from mockllm.dialects.openai.responses.errors import ResponsesCall
from mockllm.dialects.openai.responses.history import listed_item
from mockllm.dialects.openai.responses.object import SEALED_PREFIX, usage
from mockllm.dialects.openai.responses.request import InputRequest
from mockllm.dialects.openai.validators import missing_parameter

SEALED_ITEM_TOKENS: Final = 40
"""The token count of a sealed item."""


class CompactRequest(InputRequest):
    api = "compact"
    evaluates = True


class Compact(ResponsesCall):
    """POST /v1/responses/compact."""

    api = "compact"
    request_class = CompactRequest

    def check(self, request: Request) -> Failure | None:
        error = check_input(request)
        return missing_parameter("model") if error is None and request.model is None else error

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, CompactRequest)
        id = identity.ids.make("resp_", 50, alphabet=HEX)
        messages = [item for item in request.items if item.get("role") == "user"]
        sealed = {
            "id": identity.ids.make("cmp_", 50, alphabet=HEX),
            "type": "compaction",
            "encrypted_content": identity.ids.make(SEALED_PREFIX, 64),
        }
        body = {
            "id": id,
            "object": "response.compaction",
            "created_at": identity.epoch_second,
            "output": [*(listed_item(item, f"{id}.{place}") for place, item in enumerate(messages)), sealed],
            "usage": usage(Usage(request.input_tokens, SEALED_ITEM_TOKENS)),
        }
        return body_plan(body, identity, end=b"")


class InputTokensRequest(InputRequest):
    api = "count_tokens"


class InputTokens(ResponsesCall):
    """The token count of an input, with the same estimate as a response's usage."""

    api = "count_tokens"
    request_class = InputTokensRequest

    check = staticmethod(check_input)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        body = {"object": "response.input_tokens", "input_tokens": request.input_tokens}
        return body_plan(body, identity, end=b"")
