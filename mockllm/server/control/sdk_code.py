"""A request of the journal as a Python program that sends it again: with the provider's SDK, else with httpx."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from keyword import iskeyword
from pprint import pformat
from typing import TYPE_CHECKING

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.redaction import Redactor
from mockllm.core.secret_names import is_secret
from mockllm.engine.session_id import SESSION_HEADER
from mockllm.server.journal.entry import JournalEntry

if TYPE_CHECKING:
    from mockllm.dialects.providers import PythonCall

WIDTH = 96
CLIENT_HEADERS = frozenset(
    {"host", "content-length", "connection", "accept-encoding", "user-agent", "accept", "transfer-encoding"}
    | {"content-encoding"}
)
"""Headers that a client sets itself, or that do not apply to the stored body, which is decompressed."""

EXTRA_BODY = "extra_body"
"""The argument of an SDK's method for fields that are no arguments."""


def python_code(entry: JournalEntry, origin: str) -> str:
    """Return the program. `origin` is the server's address without a path. The key is a placeholder."""
    from mockllm.dialects.providers import PYTHON_CALLS  # loads all dialects

    call = PYTHON_CALLS.get(entry.endpoint or "")
    redactor = entry.full_redactor
    body = _body(entry.raw, redactor)
    path = redactor.target(entry.path)
    sdk = call is not None and isinstance(body, dict) and path.endswith(call.path)
    if call is None or not sdk or not isinstance(body, dict):
        return "\n".join(_with_httpx(entry, redactor, origin + redactor.target(entry.target), body)) + "\n"
    return "\n".join(_with_sdk(entry, redactor, call, origin + path.removesuffix(call.path), body)) + "\n"


def _body(raw: bytes, redactor: Redactor) -> Json:
    try:
        return redactor.json(loads(raw)) if raw else None
    except JSONDecodeError:
        return redactor.data(raw).decode("utf-8", "replace")


def _with_sdk(
    entry: JournalEntry, redactor: Redactor, call: PythonCall, base: str, body: Mapping[str, Json]
) -> Iterator[str]:
    headers = {
        name: redactor.session(value) for name, value in entry.headers if name.lower() == SESSION_HEADER
    }
    more = f", default_headers={headers!r}" if headers else ""
    yield f"import {call.package}\n"
    yield f'client = {call.package}.{call.client}(base_url={base!r}, api_key="any"{more})'
    yield f"response = client.{call.method}("
    others = {name: value for name, value in body.items() if not _is_keyword(name)}
    arguments = {name: value for name, value in body.items() if name not in others}
    for name, value in (arguments | {EXTRA_BODY: others} if others else arguments).items():
        yield f"    {name}={_literal(value, 4 + len(name) + 1)},"
    yield ")"
    yield from (
        ("for event in response:", "    print(event)") if body.get("stream") is True else ("print(response)",)
    )


def _with_httpx(entry: JournalEntry, redactor: Redactor, url: str, body: Json) -> Iterator[str]:
    headers = {
        redactor.text(name): "any" if is_secret(name) else redactor.header(name, value)
        for name, value in entry.headers
        if name.lower() not in CLIENT_HEADERS
    }
    yield "import httpx\n"
    yield "response = httpx.request("
    yield f"    {redactor.text(entry.method)!r},"
    yield f"    {url!r},"
    yield f"    headers={_literal(dict(headers), 12)},"
    if body is not None:
        yield f"    {'content' if isinstance(body, str) else 'json'}={_literal(body, 9)},"
    yield ")"
    yield "print(response.status_code, response.text)"


def _is_keyword(name: str) -> bool:
    """Return whether a field of a body can be a keyword argument. Its name, a client's text, must not be code."""
    return name.isascii() and name.isidentifier() and not iskeyword(name) and name != EXTRA_BODY


def _literal(value: Json, column: int) -> str:
    """Return a value as Python writes it; its further lines begin below its first character."""
    lines = pformat(value, width=WIDTH - column, sort_dicts=False).split("\n")
    return f"\n{' ' * column}".join(lines)
