"""The base of Gemini's calls on files and batches."""

from __future__ import annotations

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import EventStep, Headers, Plan, ResponseHead
from mockllm.dialects.dialect import UncheckedCall
from mockllm.dialects.gemini.generate_check import GeminiDialect
from mockllm.dialects.gemini.wire_format import JSON, indented


class GeminiStoredCall(UncheckedCall, GeminiDialect):
    """A call without a rule's reply that passes every check."""


def json_plan(body: Json, headers: Headers = ()) -> Plan:
    return Plan(ResponseHead(200, (*JSON, *headers)), (EventStep(indented(body) + b"\n", 0, "body"),))
