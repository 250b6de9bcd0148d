"""The errors of the responses protocol, and the base of its calls: OpenAI's table with a few different rows.

All of them come from the models' tier, without rate-limit headers. In recordings, an unknown model is a 400
that names its param, and the 401 of a refused key has a `www-authenticate` header.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai import errors
from mockllm.dialects.openai.calls import OpenAiCall
from mockllm.dialects.openai.headers import PLAIN_HEADERS, UNKNOWN_KEY_HEADERS

_ROWS: Final = {
    name: row if name == "not_found" else replace(row, headers=PLAIN_HEADERS)
    for name, row in errors.ROWS.items()
}
ROWS: Final = {
    **_ROWS,
    "authentication": replace(_ROWS["authentication"], headers=UNKNOWN_KEY_HEADERS),
    "model_not_found": replace(
        _ROWS["model_not_found"],
        status=400,
        param="model",
        message="The requested model '{model}' does not exist.",
    ),
    "model_deprecated": replace(_ROWS["model_deprecated"], status=400, param="model"),
    "context_length": replace(
        _ROWS["context_length"],
        param="input",
        message="Your input exceeds the context window of this model. "
        "Please adjust your input and try again.",
    ),
    "server_error": replace(_ROWS["server_error"], code="server_error"),
}


class ResponsesCall(OpenAiCall):
    """The base of the calls of this protocol with a body."""

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return errors.error_plan(failure, request, identity, ROWS)
