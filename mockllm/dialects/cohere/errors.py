"""Cohere's errors: `{"id": …, "message": …}` with a status; those of version 1 have the message alone.

The forms of 400 (`error_type`) and 401 are from recordings of 2026; the statuses are those that the `cohere` package
(7.3, `cohere/v2/raw_client.py`) knows. Other messages are plausible: there is no recording of them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from mockllm.core.failure import Failure
from mockllm.core.json.codec import MISSING, Json, dumps
from mockllm.core.randomness import HEX, as_uuid
from mockllm.core.rendering.placeholders import map_placeholder
from mockllm.core.rendering.plan import EventStep, Headers, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.cohere.request import DEFAULT_MODEL
from mockllm.dialects.dialect import ResponseIdentity

DEFAULT_CONTEXT: Final = 288_000
"""The tokens of a context for which no scenario sets a limit."""


class CohereErrorRow(NamedTuple):
    """One error by its name. `message` can name: model, method, path, limit, tokens, over."""

    status: int
    message: str
    retry_after: float | None = None
    error_type: str | None = None


ROWS: Final = {
    "bad_request": CohereErrorRow(400, "invalid request"),
    "authentication": CohereErrorRow(
        401,
        "Incorrect API key provided: ***********. You can find your API key at "
        "https://dashboard.cohere.com/api-keys.",
    ),
    "permission": CohereErrorRow(403, "you do not have access to this resource"),
    "not_found": CohereErrorRow(404, "unknown path: {method} {path}"),
    "model_not_found": CohereErrorRow(
        404,
        "model '{model}' not found, make sure the correct model ID was used and that you have access to the model.",
    ),
    "model_deprecated": CohereErrorRow(404, "model '{model}' was removed."),
    "request_too_large": CohereErrorRow(413, "request body too large"),
    "context_length": CohereErrorRow(
        400,
        "too many tokens: size limit exceeded by {over} tokens ({tokens} tokens). Try using shorter or fewer "
        "inputs. The limit for this model is {limit} tokens.",
        error_type="TOO_MANY_TOKENS",
    ),
    "rate_limit": CohereErrorRow(429, "Please wait and try again later", 1.0),
    "insufficient_quota": CohereErrorRow(402, "Please add or update your payment method"),
    "content_filter": CohereErrorRow(422, "the request was refused by the safety mode"),
    "server_error": CohereErrorRow(500, "internal server error, this has been reported to our developers."),
    "overloaded": CohereErrorRow(503, "the service is overloaded, please try again later", 1.0),
    "unavailable": CohereErrorRow(503, "service unavailable", 1.0),
    "bad_gateway": CohereErrorRow(502, "bad gateway"),
    "timeout": CohereErrorRow(504, "the request timed out"),
}


def uuid(identity: ResponseIdentity, place: str) -> str:
    """Return an id, which all of Cohere's objects have as a UUID."""
    return map_placeholder(as_uuid, identity.ids.make("", 32, place, HEX))


def head(status: int, kind: str, identity: ResponseIdentity) -> ResponseHead:
    """Return the head of any response."""
    fixed: Headers = (("content-type", kind), ("access-control-expose-headers", "X-Debug-Trace-ID"))
    return ResponseHead(status, fixed, (("x-debug-trace-id", identity.ids.make("", 32, "trace", HEX)),))


def message_of(failure: Failure, request: Request) -> str:
    if failure.message is not None:
        return failure.message
    row = ROWS[failure.type]
    values = {"model": request.model or DEFAULT_MODEL, "method": request.method, "path": request.path}
    limit, tokens = 0, 0
    if "{limit}" in row.message:
        limit, tokens = failure.overflow(DEFAULT_CONTEXT, request.input_tokens)
    return row.message.format(**values, limit=limit, tokens=tokens, over=tokens - limit)


def error_object(failure: Failure, request: Request, identity: ResponseIdentity) -> dict[str, Json]:
    """Return the object of an error."""
    kind = ROWS[failure.type].error_type
    own: dict[str, Json] = {} if kind is None else {"error_type": kind}
    return {**own, "id": uuid(identity, "error"), "message": message_of(failure, request), **failure.fields}


def error_plan(failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
    """Return a non-streaming response with the failure."""
    return _plan(error_object(failure, request, identity), failure, identity)


def error_plan_v1(failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
    """Return a non-streaming response of version 1 with the failure."""
    return _plan({"message": message_of(failure, request), **failure.fields}, failure, identity)


def _plan(body: dict[str, Json], failure: Failure, identity: ResponseIdentity) -> Plan:
    row = ROWS[failure.type]
    response_head = head(failure.status or row.status, "application/json", identity)
    response_head = response_head.with_headers(failure.retry_header(row.retry_after))
    return Plan(response_head.with_headers(failure.headers), (EventStep(dumps(body), 0, "body"),))


class CohereCall:
    """The base of Cohere's calls: their name, their errors and the check of an unreadable body."""

    name = "cohere"
    generates: bool = False

    def check_readable(self, request: Request) -> Failure | None:
        if type(request.body) is dict:
            return None
        what = "missing" if request.body is MISSING and not request.raw else "no JSON object"
        return Failure("bad_request", message=f"invalid request: the request body is {what}")

    error = staticmethod(error_plan)


def required(body: dict[str, Json], **types: type | tuple[type, ...]) -> Failure | None:
    """Return the failure of the first field that is missing or of another type."""
    for name, kind in types.items():
        if name not in body:
            return refused(f"{name} is required")
        if not isinstance(body[name], kind) or isinstance(body[name], bool):
            return of_another_type(name)
    return None


def refused(problem: str) -> Failure:
    return Failure("bad_request", message=f"invalid request: {problem}")


def of_another_type(name: str) -> Failure:
    return Failure("bad_request", message=f"invalid type: parameter {name} is of another type")
