"""The lines of a batch's input file, and what is wrong with them.

The codes are those of Azure's documentation of batches, which serves the same API; the messages follow its
descriptions.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from typing import Final, NamedTuple

from msgspec import Raw, Struct
from msgspec.json import Decoder

from mockllm.core.batch import BatchLine, LineResponse
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import text_of
from mockllm.dialects.batch_input import ABSENT, is_streamed, object_json, read_members, scalar, written_lines

MAX_LINES: Final = 50_000
"""The most requests of a file. Blank lines do not count."""
MAX_ERRORS: Final = 100
"""The most errors that a failed batch names."""
STREAMED: Final = LineResponse(
    400,
    dumps(
        {
            "error": {
                "message": "Streaming is not supported in the Batch API.",
                "type": "invalid_request_error",
                "param": "stream",
                "code": None,
            }
        }
    ),
)
"""The response to a line that requests a stream. Its message is inferred."""


class InputLine(Struct):
    """The members of a line, as the client wrote them."""

    custom_id: Raw = ABSENT
    method: Raw = ABSENT
    url: Raw = ABSENT
    body: Raw = ABSENT


_read_input_line: Final = Decoder(InputLine).decode


class InputLines(NamedTuple):
    """The readable lines with their custom ids, and the errors that make the batch fail."""

    keys: list[str]
    lines: list[BatchLine]
    errors: list[dict[str, Json]]


def read_lines(content: bytes, urls: Collection[str]) -> InputLines:
    """Read an input file. `urls` are those that the batch's endpoint allows; without one, no line has the right
    URL."""
    found = InputLines([], [], [])
    written = list(islice(written_lines(content), MAX_LINES + 1))
    if not written:
        _fail(found, "empty_file", "The batch input file is empty.", None)
    if len(written) > MAX_LINES:
        message = f"The batch input file contains more than {MAX_LINES} requests."
        _fail(found, "too_many_tasks", message, None)
        return found
    known: set[str] = set()
    for number, text in written:
        _read_line(found, known, text, number, urls)
        if len(found.errors) >= MAX_ERRORS:
            break
    return found


def _read_line(found: InputLines, known: set[str], text: bytes, number: int, urls: Collection[str]) -> None:
    line = read_members(text, _read_input_line)
    if line is None:
        _fail(found, "invalid_json_line", "This line is not parseable as valid JSON.", number)
        return
    key, body = text_of(scalar(line.custom_id)), object_json(line.body)
    if key is None or body is None:
        name = "custom_id" if key is None else "body"
        message = f"Missing required parameter: '{name}'."
        _fail(found, "missing_required_parameter", message, number, name)
        return
    if key in known:
        message = (
            "The custom_id for this request is a duplicate of another request. "
            "The custom_id parameter must be unique for each request in a batch."
        )
        _fail(found, "duplicate_custom_id", message, number, "custom_id")
        return
    if scalar(line.method) != "POST":
        _fail(found, "invalid_method", "The method of a request in a batch must be POST.", number, "method")
        return
    url = text_of(scalar(line.url))
    if url is None or url not in urls:
        message = "The URL provided for this request does not match the batch endpoint."
        _fail(found, "url_mismatch", message, number, "url")
        return
    known.add(key)
    found.keys.append(key)
    found.lines.append(BatchLine(url, body, STREAMED if is_streamed(body) else None))


def _fail(found: InputLines, code: str, message: str, line: int | None, param: str | None = None) -> None:
    found.errors.append({"code": code, "message": message, "param": param, "line": line})
