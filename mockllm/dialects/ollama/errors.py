"""Ollama's errors: `{"error": "message"}` with a status, before a response and as the last line of a stream.

The message of an unknown model is from a recording of 2026; the others are from Ollama's source and public reports.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from mockllm.core.failure import Failure
from mockllm.core.json.codec import MISSING, Json, dumps
from mockllm.core.rendering.plan import EventStep, Headers, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.ollama.request import DEFAULT_MODEL

JSON: Final[Headers] = (("content-type", "application/json; charset=utf-8"),)
DEFAULT_CONTEXT: Final = 4096
"""The tokens of a context (`num_ctx`) for which neither a scenario nor the request sets a limit."""


class OllamaErrorRow(NamedTuple):
    """One error by its name. `message` can name: model, method, path, limit, tokens."""

    status: int
    message: str
    retry_after: float | None = None


ROWS: Final = {
    "bad_request": OllamaErrorRow(400, "invalid request"),
    "authentication": OllamaErrorRow(401, "unauthorized"),
    "permission": OllamaErrorRow(
        403, "this model requires a subscription, upgrade for access: https://ollama.com/upgrade"
    ),
    "not_found": OllamaErrorRow(404, "404 page not found ({method} {path})"),
    "model_not_found": OllamaErrorRow(404, "model '{model}' not found"),
    "model_deprecated": OllamaErrorRow(410, "model '{model}' has been retired"),
    "request_too_large": OllamaErrorRow(413, "http: request body too large"),
    "context_length": OllamaErrorRow(
        400, "the input length exceeds the context length: {tokens} tokens, and the context has {limit}"
    ),
    "rate_limit": OllamaErrorRow(429, "too many concurrent requests", 1.0),
    "insufficient_quota": OllamaErrorRow(
        429, "you have reached your usage limit, please upgrade to continue"
    ),
    "content_filter": OllamaErrorRow(400, "the prompt was refused"),
    "server_error": OllamaErrorRow(500, "an error was encountered while running the model: unexpected EOF"),
    "overloaded": OllamaErrorRow(503, "server busy, please try again.  maximum pending requests exceeded"),
    "unavailable": OllamaErrorRow(503, "service unavailable"),
    "bad_gateway": OllamaErrorRow(502, "upstream error"),
    "timeout": OllamaErrorRow(504, "timed out waiting for llama runner to start"),
}


def error_object(failure: Failure, request: Request) -> dict[str, Json]:
    """Return the object of an error."""
    row = ROWS[failure.type]
    message = failure.message
    if message is None:
        limit, tokens = (
            failure.overflow(DEFAULT_CONTEXT, request.input_tokens) if "{limit}" in row.message else (0, 0)
        )
        values = {"model": request.model or DEFAULT_MODEL, "method": request.method, "path": request.path}
        message = row.message.format(**values, limit=limit, tokens=tokens)
    return {"error": message, **failure.fields}


def error_plan(failure: Failure, request: Request) -> Plan:
    """Return a non-streaming response with the failure, and with the wait until the next attempt in whole seconds."""
    row = ROWS[failure.type]
    head = ResponseHead(failure.status or row.status, JSON)
    head = head.with_headers(failure.retry_header(row.retry_after))
    body = dumps(error_object(failure, request))
    return Plan(head.with_headers(failure.headers), (EventStep(body, 0, "body"),))


class OllamaCall:
    """The base of Ollama's calls: their name, their errors and the check of an unreadable body."""

    name = "ollama"
    generates: bool = False

    def check_readable(self, request: Request) -> Failure | None:
        if type(request.body) is dict:
            return None
        if request.body is MISSING:
            message = "invalid character in the request body" if request.raw else "missing request body"
            return Failure("bad_request", message=message)
        return Failure("bad_request", message="json: cannot unmarshal the request body into an object")

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return error_plan(failure, request)
