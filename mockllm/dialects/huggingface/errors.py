"""Errors of Hugging Face's inference servers: a text and a type, at the top.

`InferenceClient` maps these types to its exceptions (`_parse_text_generation_error`, huggingface_hub 2.4). A wrong
request is a 422. There is no recording of an error.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import MISSING, Json, dumps
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.vendors.errors import VendorCall, error_object, error_plan

_TYPES: Final = {
    "bad_request": "validation",
    "context_length": "validation",
    "request_too_large": "validation",
    "rate_limit": "overloaded",
    "overloaded": "overloaded",
    "unavailable": "overloaded",
    "server_error": "generation",
    "bad_gateway": "generation",
    "timeout": "incomplete_generation",
}
"""The type by the name of the error. The router before the server refuses all others, without a type."""
_STATUSES: Final = {"bad_request": 422, "context_length": 422, "overloaded": 429, "server_error": 424}


def invalid(message: str) -> Failure:
    return Failure("bad_request", message=message)


class InferenceCall(VendorCall):
    """The base of the calls of an inference server."""

    name = "openai"

    def check_readable(self, request: Request) -> Failure | None:
        if type(request.body) is dict:
            return None
        missing = request.body is MISSING
        return invalid("Failed to parse the request body as JSON" if missing else "expected an object")

    def error_content(
        self, failure: Failure, request: Request, identity: ResponseIdentity
    ) -> dict[str, Json]:
        """Return the body of an error, and an event of a stream with one."""
        message = error_object(self.vendor, failure, request, identity)["message"]
        kind = _TYPES.get(failure.type)
        return {"error": message, **({} if kind is None else {"error_type": kind}), **failure.fields}

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        plan = error_plan(self.vendor, failure, request, identity)
        status = failure.status or _STATUSES.get(failure.type, plan.head.status)
        content = dumps(self.error_content(failure, request, identity))
        return Plan(replace(plan.head, status=status), (EventStep(content, 0, "body"),))
