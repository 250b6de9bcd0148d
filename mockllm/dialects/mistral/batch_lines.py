"""The lines of a batch job: those of its input files, and those of the files of its responses.

The form of a response's line is recorded, with an id of the job, the file and a position (August 2026,
crmne/ruby_llm). `CreateBatchJobRequest` of the `mistralai` package (3.7) has the form of a request's line.
Inferred are all messages, the lines of requests that failed, and that the position is that of the request's line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Raw, Struct, field
from msgspec.json import Decoder

from mockllm.core.batch import BatchLine, LineResponse
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import text_of
from mockllm.core.request.stored_batches import BatchState, detail_of, record_of, responses_of, state_of
from mockllm.core.request.stored_objects import StoredObject
from mockllm.dialects.batch_input import (
    ABSENT,
    is_container,
    is_json,
    is_streamed,
    object_json,
    read_body,
    read_members,
    scalar,
)
from mockllm.dialects.mistral.stored_calls import FILES
from mockllm.dialects.openai.batches.output_files import body_of

MAX_LINES: Final = 50_000
"""The most lines of a job, blank ones included: a bound of this server."""
ENDPOINTS: Final = (
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/fim/completions",
    "/v1/moderations",
    "/v1/chat/moderations",
    "/v1/ocr",
    "/v1/classifications",
    "/v1/chat/classifications",
    "/v1/audio/transcriptions",
    "/v1/conversations",
)
"""SDK: `APIEndpoint`."""
OUTPUT: Final = "output_file"
ERRORS: Final = "error_file"
_STREAMED: Final = {
    "object": "error",
    "message": "Streaming is not supported in batch jobs.",
    "type": "invalid_request_error",
    "param": "stream",
    "code": None,
    "raw_status_code": 400,
}
STREAMED: Final = LineResponse(400, dumps(_STREAMED))
"""The response to a line that requests a stream."""


class JobLine(Struct):
    """The members of a line, as the client wrote them."""

    custom_id: Raw = ABSENT
    body: Raw = ABSENT


_read_job_line: Final = Decoder(JobLine).decode


class JobLines(Struct):
    """The readable lines with their places and custom ids, and the errors that make the job fail, with their
    counts."""

    places: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    lines: list[BatchLine] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)

    def fail(self, message: str) -> None:
        self.errors[message] = self.errors.get(message, 0) + 1


def read_job(contents: Mapping[str, bytes], endpoint: Json, model: str | None) -> JobLines:
    """Read input files by their ids. Each line that names no model is for that of the job."""
    found, known, count = JobLines(), set[str](), 0
    if endpoint not in ENDPOINTS:
        found.fail("The endpoint does not support batch jobs.")
        return found
    for id, content in contents.items():
        position = 0
        for text in content.removesuffix(b"\n").split(b"\n", MAX_LINES + 1):
            count += 1
            if count > MAX_LINES:
                found.fail(f"The job has more than {MAX_LINES} lines.")
                return found
            if text.strip():
                _read_line(found, known, text, endpoint, model, f"{id[:8]}-{position}")
            position += len(text) + 1
    if not found.lines and not found.errors:
        found.fail("The job has no requests.")
    return found


def _read_line(
    found: JobLines, known: set[str], text: bytes, endpoint: str, model: str | None, place: str
) -> None:
    line = read_members(text, _read_job_line)
    if line is None and not is_json(text):
        found.fail("A line is not valid JSON.")
        return
    body = None if line is None else object_json(line.body)
    key = None if line is None else _key(line)
    if body is None:
        found.fail("A line has no object 'body'.")
    elif key is None:
        found.fail("The 'custom_id' of a line is not a string.")
    elif key and key in known:
        found.fail("The 'custom_id' of a line is that of another line.")
    else:
        known.add(key)
        found.places.append(place)
        found.keys.append(key)
        body = body if model is None else with_model(body, model)
        found.lines.append(BatchLine(endpoint, body, STREAMED if is_streamed(body) else None))


def _key(line: JobLine) -> str | None:
    """Return the custom id of a line, empty where it has none; None where it is no text."""
    return None if is_container(line.custom_id) else text_of(scalar(line.custom_id) or "")


def with_model(body: bytes, model: str) -> bytes:
    """Return the body of a line; one that names no model with that of the job as its first member."""
    members = read_members(body, read_body)
    if members is None or members.model is not ABSENT:
        return body
    rest = body[1:].lstrip()
    return b'{"model":%b%b%b' % (dumps(model), b"" if rest[:1] == b"}" else b",", rest)


def output_lines(batch: StoredObject, monotonic: float) -> Iterator[tuple[bool, dict[str, Json]]]:
    """Yield the lines with a response in order, each with whether it succeeded."""
    record = record_of(batch)
    responded, details = state_of(batch, monotonic, record).responded, record.details
    places = zip(details["places"], record.keys, responses_of(batch)[:responded], strict=False)
    for place, key, response in places:
        id = f"batch-{details['created']['id'][:8]}-{place}"
        line: dict[str, Json] = {"id": id, "custom_id": key or None, "response": None, "error": None}
        if response.cut:
            yield False, {**line, "error": {"message": "The request timed out."}}
        else:
            returned = {"status_code": response.status, "body": body_of(response)}
            yield response.status == 200, {**line, "response": returned}


def output_ids(batch: StoredObject, state: BatchState) -> dict[str, str | None]:
    """Return the ids of both files by the members of the job; None for a file without lines, and before the end."""
    details = {name: detail_of(batch, name) for name in (OUTPUT, ERRORS)}
    return {
        OUTPUT: details[OUTPUT] if state.ended and state.succeeded else None,
        ERRORS: details[ERRORS] if state.ended and state.succeeded < state.responded else None,
    }


def output_content(batch: StoredObject, file: str, monotonic: float) -> bytes | None:
    """Return the content of one of both files by its stored id; None where the job has no such file."""
    ids = output_ids(batch, state_of(batch, monotonic))
    id = file.removeprefix(FILES)
    if id not in ids.values():
        return None
    lines = output_lines(batch, monotonic)
    return b"".join(dumps(line) + b"\n" for succeeded, line in lines if succeeded is (id == ids[OUTPUT]))
