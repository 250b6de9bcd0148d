"""Responses without their requests: what `curl -i` wrote, and bodies alone."""

# ruff: noqa: E501 - one line for each case

from __future__ import annotations

import pytest

from mockllm.core.json.codec import dumps
from mockllm.recordings.import_file import ImportFile, NotImported
from mockllm.recordings.raw_responses import curl_response
from tests.language.virtual_server import cases
from tests.recordings.sample_files import (
    ANSWER,
    BODY,
    SSE,
    again,
    take,
)

CURL = f"HTTP/1.1 100 Continue\r\n\r\nHTTP/2 200 \r\ncontent-type: application/json\r\nset-cookie: private\r\n\r\n{ANSWER}"
CHUNKED = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{ANSWER[:5]}\r\n{len(ANSWER[5:].encode()):x}\r\n{ANSWER[5:]}\r\n0\r\n\r\n"


@cases(
    "response, expected, kind",
    [
        ("what curl wrote", CURL, ANSWER, "application/json"),
        ("with chunks", CHUNKED, ANSWER, None),
        ("with chunks undone", CHUNKED.split("5\r\n")[0] + ANSWER, ANSWER, None),
        ("with chunks that end too soon", CHUNKED[:-5], CHUNKED[:-5].partition("\r\n\r\n")[2], None),
        ("JSON alone", ANSWER, ANSWER, "application/json"),
        (
            "a chunk that is too long",
            CHUNKED.replace("5\r\n", "F" * 20 + "\r\n", 1),
            f"{'F' * 20}\r\n{CHUNKED.partition('5' + chr(13))[2][1:]}",
            None,
        ),
        ("events alone", SSE, SSE, "text/event-stream"),
        ("a text alone", "Hello", "Hello", "text/plain; charset=utf-8"),
    ],
)
def test_response_without_request_is_imported(response: str, expected: str, kind: str | None) -> None:
    request = ImportFile("r.json", dumps(BODY))
    decoded = again(take(response, "body", request=request, path="/v1/chat/completions?x=1"))
    assert decoded.bytes == expected.encode()
    assert decoded.headers.get("content-type") == kind


def test_output_of_verbose_curl_is_no_response() -> None:
    verbose = f"* Connected\n> POST / HTTP/2\n>\n< HTTP/2 200\n< content-type: application/json\n<\n{ANSWER}"
    with pytest.raises(NotImported, match=r"body:4:1: output of `curl -v` .* use `curl -i`"):
        take(verbose, "body", request=ImportFile("r.json", dumps(BODY)), path="/v1/chat/completions")


def test_text_may_quote_the_status_line_of_verbose_curl() -> None:
    quoted = "curl says:\n< HTTP/2 200\nand ends."
    request = ImportFile("r.json", dumps(BODY))
    assert again(take(quoted, "body", request=request, path="/v1/chat/completions")).bytes == quoted.encode()


def test_long_capture_is_read_in_one_pass() -> None:
    """Each step copied what was left: half a million heads took a minute, and as many chunks half of one."""
    heads = b"HTTP/1.1 100 Continue\r\n\r\n" * 500_000
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    file = ImportFile("capture.txt", heads + head + b"1\r\nx\r\n" * 500_000 + b"0\r\n\r\n")
    assert curl_response(file).body == b"x" * 500_000
