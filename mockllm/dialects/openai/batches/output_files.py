"""The files of a batch's responses: one of the successful ones, one of the others.

Lines have the members of `BatchRequestOutput` in OpenAI's API reference. Its codes for lines without a response are
`batch_expired`, `batch_cancelled` and `request_timeout`. The messages are inferred, except for the first one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.batch import LineResponse
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.randomness import HEX, Ids
from mockllm.core.request.stored_batches import BatchState, record_of, responses_of, state_of
from mockllm.core.request.stored_objects import StoredObject

OUTPUT: Final = "output_file_id"
ERRORS: Final = "error_file_id"
WITHOUT_RESPONSE: Final = {
    "expired": ("batch_expired", "This request could not be executed before the completion window expired."),
    "cancelled": ("batch_cancelled", "This request was not executed because the batch was cancelled."),
}
CUT: Final = ("request_timeout", "The request timed out before the model responded.")


def output_files(batch: StoredObject, monotonic: float) -> dict[str, str | None]:
    """Return the ids of both files by the members of the batch; None for a file without lines, and before the end. A
    batch of a file with errors has none, however it ends."""
    state, details = state_of(batch, monotonic), record_of(batch).details
    if not state.ended or state.status == "failed" or details["errors"]:
        return {OUTPUT: None, ERRORS: None}
    return {
        OUTPUT: details[OUTPUT] if state.succeeded else None,
        ERRORS: details[ERRORS] if state.succeeded < state.total else None,
    }


def output_ids(batch: StoredObject | None, monotonic: float) -> frozenset[str | None]:
    """Return the ids of the files that a batch has; none of one that is evicted."""
    return frozenset() if batch is None else frozenset(output_files(batch, monotonic).values())


def output_content(batch: StoredObject, file: str, monotonic: float) -> bytes | None:
    """Return the content of one of both files; None where the batch has no such file."""
    files = output_files(batch, monotonic)
    if file not in files.values():
        return None
    wanted = file == files[OUTPUT]
    return b"".join(
        dumps(line) + b"\n"
        for succeeded, line in _lines(batch, state_of(batch, monotonic))
        if succeeded is wanted
    )


def _lines(batch: StoredObject, state: BatchState) -> Iterator[tuple[bool, Json]]:
    """Yield the lines in order, each with whether it succeeded."""
    record, responses = record_of(batch), responses_of(batch)[: state.responded]
    for place, key in enumerate(record.keys):
        id = Ids(0, batch.id, place).make("batch_req_", 32, alphabet=HEX)
        line: dict[str, Json] = {"id": id, "custom_id": key, "response": None, "error": None}
        response = responses[place] if place < len(responses) else None
        if response is None or response.cut:
            reason = WITHOUT_RESPONSE.get(state.status, CUT) if response is None else CUT
            yield False, {**line, "error": dict(zip(("code", "message"), reason, strict=True))}
        else:
            yield response.status == 200, {**line, "response": _response(response, id)}


def _response(response: LineResponse, id: str) -> dict[str, Json]:
    request_id = response.request_id or Ids(0, id, 0).make("req_", 32, alphabet=HEX)
    return {"status_code": response.status, "request_id": request_id, "body": body_of(response)}


def body_of(response: LineResponse) -> Json:
    """Return the body of a response; a text where it is no JSON."""
    try:
        return loads(response.body)
    except JSONDecodeError:
        return response.body.decode("utf-8", "replace")
