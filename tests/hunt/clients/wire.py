"""What the clients of this folder share: HTTP by the standard library, and the parts that behave well.

A client replaces the part in which its bug is. A client that cannot finish says so and ends with exit code 3.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, NoReturn
from urllib.parse import urlsplit

MENDED = os.environ.get("MENDED") == "1"
"""Whether the client runs without its bug."""
READ_TIMEOUT = 4.0
"""Seconds, in which a busy machine sends something."""
TRIES = 3
RETRIED = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
STATED = 3


class ClientFailure(Exception):
    """A failure that the client reports. `final`: no retry can repair it."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


def tell(message: str) -> NoReturn:
    print(f"the provider failed: {message}", file=sys.stderr)
    sys.exit(STATED)


def send(url: str, path: str, body: dict[str, Any], timeout: float | None = READ_TIMEOUT) -> HTTPResponse:
    """One request."""
    base = urlsplit(url)
    connection = HTTPConnection(base.hostname or "", base.port, timeout=timeout)
    headers = {"content-type": "application/json", "authorization": "Bearer any", "x-api-key": "any"}
    headers["anthropic-version"] = "2023-06-01"
    connection.request("POST", base.path + path, json.dumps(body), headers)
    return connection.getresponse()


def wait_of(response: HTTPResponse, tries: int) -> float:
    """The wait that a refusal requests, else one that grows."""
    text = response.headers.get("retry-after")
    try:
        return float(text) if text else backoff(tries)
    except ValueError:
        return max(0.0, parsedate_to_datetime(text or "").timestamp() - time.time()) or backoff(tries)


def backoff(tries: int) -> float:
    return 0.15 * 2.5**tries


def ask(
    url: str,
    path: str,
    body: dict[str, Any],
    *,
    timeout: float | None = READ_TIMEOUT,
    retried: frozenset[int] = RETRIED,
    wait: Callable[[HTTPResponse, int], float] = wait_of,
) -> HTTPResponse:
    """A request with retries. Raises ClientFailure."""
    for tries in range(TRIES):
        last = tries == TRIES - 1
        try:
            response = send(url, path, body, timeout)
        except (OSError, HTTPException) as error:
            if last:
                raise ClientFailure(f"no response: {error!r}") from None
            time.sleep(backoff(tries))
            continue
        if response.status == 200:
            return response
        if response.status not in retried or last:
            raise ClientFailure(f"status {response.status}", final=True)
        response.read()
        time.sleep(wait(response, tries))
    raise ClientFailure("no try is left")


def chat(messages: list[Any], **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": messages, **more}


def openai(body: dict[str, Any], **how: Any) -> HTTPResponse:
    return ask(os.environ["OPENAI_BASE_URL"], "/chat/completions", body, **how)


def anthropic(body: dict[str, Any], **how: Any) -> HTTPResponse:
    return ask(os.environ["ANTHROPIC_BASE_URL"], "/v1/messages", {"max_tokens": 500, **body}, **how)


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def parts(response: HTTPResponse) -> Iterator[bytes]:
    """The body as it comes. Raises ClientFailure for one that is cut."""
    try:
        while part := response.read1(65536):
            yield part
    except (OSError, HTTPException) as error:
        raise ClientFailure(f"the response broke off: {error!r}") from None


def lines(response: HTTPResponse) -> Iterator[str]:
    """The lines of a stream, with LF or CRLF."""
    rest = b""
    for part in parts(response):
        *whole, rest = (rest + part).split(b"\n")
        yield from (line.removesuffix(b"\r").decode() for line in whole)


def payloads(response: HTTPResponse) -> Iterator[str]:
    """The data of each event."""
    for line in lines(response):
        if line.startswith("data:"):
            yield line.removeprefix("data:").removeprefix(" ")


def chunks(response: HTTPResponse) -> Iterator[dict[str, Any]]:
    """The chunks of a chat completion. Raises ClientFailure for an error, and for a stream that ends too early."""
    finish = None
    for data in payloads(response):
        if data == "[DONE]":
            break
        chunk = json.loads(data)
        if "error" in chunk:
            raise ClientFailure(f"an error in the stream: {chunk['error']}")
        yield chunk
        for choice in chunk["choices"]:
            finish = choice["finish_reason"] or finish
    check_finish(finish)


def check_finish(finish: str | None) -> None:
    if finish not in ("stop", "tool_calls"):
        raise ClientFailure(f"the answer is not complete: {finish}")


def texts(response: HTTPResponse) -> Iterator[str]:
    """The text of a streamed chat completion, chunk by chunk; a refusal is one, too."""
    for chunk in chunks(response):
        for choice in chunk["choices"]:
            yield choice["delta"].get("content") or choice["delta"].get("refusal") or ""


def whole(response: HTTPResponse) -> dict[str, Any]:
    """The JSON of a response that is not streamed. Raises ClientFailure."""
    try:
        body = json.loads(b"".join(parts(response)))
    except ValueError as error:
        raise ClientFailure(f"the response is no JSON: {error}") from None
    if not isinstance(body, dict) or "error" in body:
        raise ClientFailure("the response is an error")
    return body


def run(main: Callable[[], None]) -> None:
    """Run a client."""
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    try:
        main()
    except ClientFailure as failed:
        tell(str(failed))
