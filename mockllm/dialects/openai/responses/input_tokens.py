"""POST /v1/responses/input_tokens: the token count of a response's input."""

from __future__ import annotations

from collections.abc import Sequence

from mockllm.core.failure import Failure
from mockllm.core.json.codec import pretty
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.headers import PLAIN_HEAD, head
from mockllm.dialects.openai.responses.check import check_input, check_readable
from mockllm.dialects.openai.responses.errors import error_plan
from mockllm.dialects.openai.responses.request import InputRequest


class InputTokensRequest(InputRequest):
    api = "count_tokens"


class InputTokens:
    """The token count of an input, with the same estimate as a response's usage."""

    name = "openai"
    api = "count_tokens"
    generates = False
    request = InputTokensRequest

    def check(self, request: Request) -> Failure | None:
        return check_input(request)

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request)

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(failure, request, stamp)

    def answer(self, request: Request, models: Sequence[str], stamp: ResponseIdentity) -> Plan | Failure:
        body = {"object": "response.input_tokens", "input_tokens": request.input_tokens}
        return Plan(head(200, PLAIN_HEAD, stamp), (EventStep(pretty(body), 0, "body"),))
