"""The base of Gemini's calls on files and batches."""

from __future__ import annotations

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import EventStep, Headers, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.gemini.generate_check import GeminiDialect
from mockllm.dialects.gemini.wire_format import JSON, indented


class GeminiStoredCall(GeminiDialect):
    """A call without a rule's reply that passes every check."""

    generates: bool = False

    def check(self, request: Request) -> Failure | None:
        return None

    def check_readable(self, request: Request) -> Failure | None:
        return None


def json_plan(body: Json, headers: Headers = ()) -> Plan:
    return Plan(ResponseHead(200, (*JSON, *headers)), (EventStep(indented(body) + b"\n", 0, "body"),))
