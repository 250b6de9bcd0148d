"""The handler that sends a request of the journal to another server."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from multidict import CIMultiDict
from pydantic import BaseModel

from mockllm.core.display import brief
from mockllm.core.header_secrets import shown_headers
from mockllm.core.key_forms import REDACTED, SHORTEST
from mockllm.core.redaction import Redactor
from mockllm.core.secret_names import is_secret
from mockllm.engine.session_id import path_without_session
from mockllm.scenario.language.proxy import is_base_url
from mockllm.server.control.api_types import ApiCall, ApiRoute
from mockllm.server.control.context import ControlContext
from mockllm.server.control.journal_queries import in_thread_if_large, repeatable_entry
from mockllm.server.control.models.journal import HeaderPair, ReplayBody, ReplayedResponse
from mockllm.server.control.problem import FieldProblem, Problem
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.server_limits import MIB
from mockllm.server.upstreams import Upstreams, failure_reason, joined_url, trusting_connector
from mockllm.server.webhooks import LOOPBACK

if TYPE_CHECKING:
    from aiohttp import ClientResponse

MAX_BODY: Final = 4 * MIB
"""Bytes of a response that are read."""
TIMEOUT: Final = 120.0
"""Seconds for the whole response."""


async def send_to_server(context: ControlContext, call: ApiCall[object, ReplayBody]) -> BaseModel:
    """Send a request of the journal to another server, and show the response."""
    from aiohttp import ClientError, ClientSession, ClientTimeout

    entry, body = repeatable_entry(context.journal, call.params["id"]), call.body
    _check_host(body.server, context.proxy_hosts | LOOPBACK if call.local else context.proxy_hosts)
    if body.body is None and not entry.body_stored:
        raise Problem(409, "The body was too large to be stored; send another one as `body`.")
    url, began = _url(entry, body), time.monotonic()
    secrets = [body.key] if body.key and len(body.key) >= SHORTEST else []
    own = await in_thread_if_large(entry, lambda: entry.full_redactor)
    redactor = own.with_secrets(secrets)
    data = entry.raw if body.body is None else body.body.encode()
    try:
        async with (
            ClientSession(connector=trusting_connector(), timeout=ClientTimeout(total=TIMEOUT)) as session,
            session.request(
                entry.method, url, headers=_headers(entry, body), data=data or None, allow_redirects=False
            ) as response,
        ):
            return await _shown(response, redactor, began)
    except (ClientError, TimeoutError, OSError, ValueError) as error:
        reason = redactor.text(failure_reason(error))
        raise Problem(502, f"{body.server} does not respond: {reason}") from None


def _check_host(server: str, allowed: frozenset[str]) -> None:
    """Raise Problem if this server sends nothing to the host."""
    if not is_base_url(server):
        message = f"expected a base URL such as http://localhost:9000, found {brief(server)}"
        raise Problem(422, f"server: {message}", [FieldProblem(field="server", message=message)])
    host = (urlsplit(server).hostname or "").lower()
    if host not in allowed:
        raise Problem(403, f"This server sends nothing to {brief(host)}: allow it with --proxy-allow {host}.")


def _url(entry: JournalEntry, body: ReplayBody) -> str:
    """Return the request's address at that server; a session is one of this server."""
    path = path_without_session(entry.path)
    query = entry.query_string.replace(REDACTED, quote(body.key)) if body.key else entry.query_string
    return joined_url(body.server.rstrip("/"), path, query)


def _headers(entry: JournalEntry, body: ReplayBody) -> CIMultiDict[str]:
    """Return the headers with the key in place of the stored mask; without a key, no header of a key."""
    headers = CIMultiDict[str]()
    for name, value in entry.headers:
        if not is_secret(name):
            headers.add(name, value)
        elif body.key:
            headers.add(name, value.replace(REDACTED, body.key))
    return Upstreams({}).forwarded_headers(headers)


async def _shown(response: ClientResponse, redactor: Redactor, began: float) -> ReplayedResponse:
    """Read a response, as far as it is shown."""
    data = bytearray()
    async for part in response.content.iter_chunked(MIB):
        data += part
        if len(data) > MAX_BODY:
            break
    shown = bytes(redactor.data(bytes(data[:MAX_BODY])))
    try:
        text, encoded = shown.decode(), None
    except UnicodeDecodeError:
        text, encoded = None, await asyncio.to_thread(lambda: b64encode(shown).decode())
    return ReplayedResponse(
        url=redactor.target(str(response.url)),
        status=response.status,
        headers=[
            HeaderPair(name=name, value=redactor.header(name, value))
            for name, value in shown_headers(response.headers.items())
        ],
        text=text,
        base64=encoded,
        whole=len(data) <= MAX_BODY,
        took=round(time.monotonic() - began, 6),
    )


ROUTES: Final = (ApiRoute("POST", "/api/requests/{id}/send", send_to_server, ReplayedResponse, ReplayBody),)
