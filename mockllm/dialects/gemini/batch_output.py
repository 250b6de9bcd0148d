"""The responses to a batch: in the batch itself, or in a file with a line for each request.

An error is a `google.rpc.Status`: its code is a number of gRPC. Sources: google-genai's `InlinedResponse` and
`JobError`, and the API's guide to batches; no recording was at hand. The messages of requests without a response are
inferred.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.batch import LineResponse
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.request.stored_batches import record_of, responses_of, state_of
from mockllm.core.request.stored_objects import StoredObject

CODES: Final = {
    "CANCELLED": 1,
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "UNAUTHENTICATED": 16,
}
UNKNOWN: Final = 2
CUT: Final = {
    "code": CODES["DEADLINE_EXCEEDED"],
    "message": "Deadline expired before operation could complete.",
}
WITHOUT_RESPONSE: Final = {
    "expired": {
        "code": CODES["DEADLINE_EXCEEDED"],
        "message": "The batch expired before this request was processed.",
    },
    "cancelled": {"code": CODES["CANCELLED"], "message": "The batch was cancelled."},
}


def outputs(batch: StoredObject, monotonic: float) -> Iterator[dict[str, Json]]:
    """Yield the response to each request, or its error, in order, of a batch that ended without a failure."""
    state = state_of(batch, monotonic)
    responses = responses_of(batch)[: state.responded]
    for place in range(state.total):
        if place < len(responses):
            yield _output(responses[place])
        else:
            yield {"error": WITHOUT_RESPONSE.get(state.status, CUT)}


def _output(response: LineResponse) -> dict[str, Json]:
    try:
        body = None if response.cut else loads(response.body)
    except JSONDecodeError:
        body = None
    if type(body) is not dict:
        return {"error": CUT}
    if response.status == 200:
        return {"response": body}
    error = body.get("error")
    if type(error) is not dict:
        return {"error": {"code": UNKNOWN, "message": f"HTTP status {response.status}"}}
    return {"error": {"code": CODES.get(str(error.get("status")), UNKNOWN), "message": error.get("message")}}


def has_output(batch: StoredObject, monotonic: float) -> bool:
    """Return whether a batch has a file of responses now."""
    state = state_of(batch, monotonic)
    responded = state.ended and state.status != "failed" and state.total > 0
    return responded and bool(record_of(batch).details["file"])


def output_content(batch: StoredObject, monotonic: float) -> bytes | None:
    """Return the file of the responses; None where there is none."""
    if not has_output(batch, monotonic):
        return None
    record, found = record_of(batch), outputs(batch, monotonic)
    return b"".join(
        dumps({"key": key, **output}) + b"\n" for key, output in zip(record.keys, found, strict=True)
    )
