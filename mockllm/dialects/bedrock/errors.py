"""Amazon Bedrock's errors: a table of rows, the body, the header with the type, and the exceptions of a stream.

The body is `{"message": …}`; `x-amzn-errortype` names the type. Types, statuses and the exceptions of a stream are
those of botocore's service model `bedrock-runtime/2023-09-30/service-2.json`. Messages of invalid models and
credentials are from recordings, the others from public reports or the service's documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Final

from msgspec import Struct

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.randomness import HEX
from mockllm.core.rendering.encoder import Event
from mockllm.core.rendering.placeholders import map_placeholder
from mockllm.core.rendering.plan import EventStep, Headers, Plan, ResponseHead
from mockllm.core.reply.reply import Usage
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity

CONTEXT_WINDOW: Final = 200_000
LATENCY: Final = 533
"""The milliseconds that a response states to have taken: a constant, which tests do not depend on."""
JSON_TYPE: Final = ("content-type", "application/json")
ERROR_TYPE: Final = "x-amzn-errortype"
_NAMESPACE: Final = "http://internal.amazon.com/coral/com.amazon.bedrock/"
MODEL_ERRORS: Final = "The model returned the following errors: "


class BedrockErrorRow(Struct, frozen=True):
    """One error by its name. `message` can contain `{tokens}` and `{limit}`."""

    status: int
    type: str
    message: str


ROWS: Final[Mapping[str, BedrockErrorRow]] = {
    "bad_request": BedrockErrorRow(
        400, "ValidationException", "Malformed input request, please reformat your input and try again."
    ),
    "authentication": BedrockErrorRow(
        403, "UnrecognizedClientException", "The security token included in the request is invalid."
    ),
    "permission": BedrockErrorRow(
        403, "AccessDeniedException", "You don't have access to the model with the specified model ID."
    ),
    "not_found": BedrockErrorRow(
        404, "ResourceNotFoundException", "The specified resource ARN was not found."
    ),
    "model_not_found": BedrockErrorRow(
        400, "ValidationException", "The provided model identifier is invalid."
    ),
    "model_deprecated": BedrockErrorRow(
        404,
        "ResourceNotFoundException",
        "This model version has reached the end of its life. Please refer to the AWS documentation for more details.",
    ),
    "request_too_large": BedrockErrorRow(
        400,
        "ValidationException",
        "1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length less "
        "than or equal to 25000000",
    ),
    "context_length": BedrockErrorRow(
        400, "ValidationException", f"{MODEL_ERRORS}prompt is too long: {{tokens}} tokens > {{limit}} maximum"
    ),
    "rate_limit": BedrockErrorRow(
        429, "ThrottlingException", "Too many tokens, please wait before trying again."
    ),
    "insufficient_quota": BedrockErrorRow(
        400,
        "ServiceQuotaExceededException",
        "Your request exceeds the service quota for your account.",
    ),
    "content_filter": BedrockErrorRow(
        400, "ValidationException", f"{MODEL_ERRORS}Output blocked by content filtering policy"
    ),
    "server_error": BedrockErrorRow(
        500,
        "InternalServerException",
        "The system encountered an unexpected error during processing. Try your request again.",
    ),
    "overloaded": BedrockErrorRow(
        503, "ServiceUnavailableException", "Bedrock is unable to process your request."
    ),
    "unavailable": BedrockErrorRow(
        503, "ServiceUnavailableException", "The service is temporarily unable to handle the request."
    ),
    "bad_gateway": BedrockErrorRow(
        424, "ModelErrorException", "The request failed due to an error while processing the model."
    ),
    "timeout": BedrockErrorRow(
        408,
        "ModelTimeoutException",
        "Model has timed out in processing the request. Try your request again.",
    ),
}
_TYPES: Final[Mapping[int, str]] = {row.status: row.type for row in ROWS.values()} | {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
}
"""The type of a status that a scenario sets in place of the error's own."""
STREAM_EXCEPTIONS: Final = frozenset(
    {
        "internalServerException",
        "modelStreamErrorException",
        "modelTimeoutException",
        "serviceUnavailableException",
        "throttlingException",
        "validationException",
    }
)
"""The exceptions of a stream of `invoke`; a stream of `converse` has no `modelTimeoutException`."""


def invocation_metrics(counted: Usage) -> dict[str, Json]:
    """Return the counts of the last event of a stream of `invoke`."""
    return {
        "amazon-bedrock-invocationMetrics": {
            "inputTokenCount": counted.input,
            "outputTokenCount": counted.output,
            "invocationLatency": LATENCY,
            "firstByteLatency": LATENCY // 2,
        }
    }


def request_headers(identity: ResponseIdentity) -> Headers:
    """Return the header with the id of the request, which is a UUID."""
    return (("x-amzn-requestid", map_placeholder(_uuid, identity.ids.make("", 32, "request", HEX))),)


def _uuid(digits: str) -> str:
    """Format a UUID of version 4."""
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def json_plan(body: Json, identity: ResponseIdentity, headers: Headers = ()) -> Plan:
    """Return a 200 with a JSON body."""
    head = ResponseHead(200, (JSON_TYPE, *headers), request_headers(identity))
    return Plan(head, (EventStep(dumps(body), 0, "body"),))


def error_plan(failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
    """Return a non-streaming response with the failure. The service sends no wait until the next attempt; one that a
    scenario sets is in `retry-after`, in whole seconds."""
    row = ROWS[failure.type]
    status = failure.status or row.status
    type_ = row.type if status == row.status else _TYPES.get(status, row.type)
    wait = failure.seconds_until_retry()
    retry = () if wait is None else (("retry-after", str(ceil(wait))),)
    headers = (JSON_TYPE, (ERROR_TYPE, f"{type_}:{_NAMESPACE}"), *retry)
    head = ResponseHead(status, headers, request_headers(identity)).with_headers(failure.headers)
    body = {"message": _message(failure, row, request), **failure.fields}
    return Plan(head, (EventStep(dumps(body), 0, "body"),))


def exception(failure: Failure, request: Request, *, times_out: bool) -> Event:
    """Return the exception that ends a stream. `times_out`: whether the stream has an exception for timeouts."""
    row = ROWS[failure.type]
    message = _message(failure, row, request)
    name = row.type[0].lower() + row.type[1:]
    if name not in STREAM_EXCEPTIONS or (name == "modelTimeoutException" and not times_out):
        name = (
            "throttlingException" if row.status == 429 or "Quota" in row.type else "modelStreamErrorException"
        )
    body: dict[str, Json] = {"message": message}
    if name == "modelStreamErrorException":
        body |= {"originalStatusCode": failure.status or row.status, "originalMessage": message}
    return dumps({**body, **failure.fields}), name


def _message(failure: Failure, row: BedrockErrorRow, request: Request) -> str:
    if failure.message is not None:
        return failure.message
    if failure.type == "context_length":
        limit, tokens = failure.overflow(CONTEXT_WINDOW, request.input_tokens)
        return row.message.format(limit=limit, tokens=tokens)
    return row.message
