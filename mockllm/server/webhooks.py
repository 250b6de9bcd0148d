"""Sends webhooks at their times: signed, and again after a failure. Only hosts of this machine, and those that the
user allows, receive any: a client chooses the address.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mockllm.core.webhook import Webhook
from mockllm.server.access_log import printable_line, shortened_for_line
from mockllm.server.line_output import report
from mockllm.server.upstreams import failure_reason, trusting_connector

if TYPE_CHECKING:
    from aiohttp import ClientSession

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
WEBHOOK_HEADER: Final = "x-mockllm-webhook"
"""A header of each webhook: the control API accepts none, since a client or a pack may choose the address."""
RETRY_WAITS: Final = (1.0, 5.0, 25.0)
"""Seconds before each further attempt."""
TIMEOUT: Final = 10.0
"""Seconds for one attempt."""
MAX_ADDRESS: Final = 200
"""Characters of an address that the report of a failure shows."""
MAX_PENDING: Final = 1000
"""The most webhooks that wait; more are not sent."""


async def _never(session: str, id: str) -> bool:
    return False


class WebhookSender:
    """The webhooks that were not received yet. Sessions may have the same subjects."""

    def __init__(
        self,
        allowed: frozenset[str] = frozenset(),
        is_gone: Callable[[str, str], Awaitable[bool]] = _never,
    ) -> None:
        """`allowed`: the hosts, in lower case, that receive webhooks beside this machine. `is_gone` says of a
        session and an id whether that stored object was cancelled or deleted."""
        self.allowed = allowed
        self._is_gone = is_gone
        self._pending: dict[asyncio.Task[None], tuple[str, str]] = {}
        """The session and the subject of each delivery."""
        self._session: ClientSession | None = None

    def __len__(self) -> int:
        return len(self._pending)

    def schedule(self, webhooks: Iterable[Webhook], monotonic: float, session: str) -> None:
        """Send webhooks of a session when they are due; `monotonic` is the present time on their clock."""
        for webhook in webhooks:
            if webhook.subject:
                self._cancel(session, webhook.subject)
            host = _host(webhook.url)
            if host not in LOOPBACK | self.allowed:
                name = shortened_for_line(host)
                where = (
                    f"allow the host {name} with --proxy-allow {name}" if host else "its address has no host"
                )
                report(f"webhook not sent: {where}")
            elif len(self._pending) >= MAX_PENDING:
                report(f"webhook not sent: {MAX_PENDING} others wait")
            else:
                delivery = self._deliver(session, webhook, webhook.due - monotonic)
                task = asyncio.get_running_loop().create_task(delivery)
                self._pending[task] = session, webhook.subject
                task.add_done_callback(lambda done: self._pending.pop(done, None))

    def _cancel(self, session: str, subject: str) -> None:
        """Do not send the webhooks of a subject that were not received yet."""
        for task, of in list(self._pending.items()):
            if of == (session, subject):
                task.cancel()
                del self._pending[task]

    async def _deliver(self, session: str, webhook: Webhook, wait: float) -> None:
        """Send a webhook when it is due. A mistake of the server itself is reported: nothing awaits the task."""
        await asyncio.sleep(max(0.0, wait))
        try:
            if not (webhook.ends and await self._is_gone(session, webhook.ends)):
                await self._send(webhook)
        except Exception as error:  # its text may have the secret or the address
            report(f"{_shown(webhook)} not sent: {type(error).__name__}")

    async def _send(self, webhook: Webhook) -> None:
        failure = ""
        for pause in (*RETRY_WAITS, None):
            failure = await self._attempt(webhook)
            if not failure or pause is None:
                break
            await asyncio.sleep(pause)
        if failure:
            attempts = 1 + len(RETRY_WAITS)
            report(f"{_shown(webhook)} abandoned after {attempts} attempts: {failure}")

    async def _attempt(self, webhook: Webhook) -> str:
        """Return why the endpoint did not accept the webhook; empty where it did."""
        from aiohttp import ClientError, ClientSession, ClientTimeout

        if self._session is None:  # `MAX_PENDING` bounds its connections
            self._session = ClientSession(
                connector=trusting_connector(), timeout=ClientTimeout(total=TIMEOUT)
            )
        headers = {**webhook.headers(int(time.time())), WEBHOOK_HEADER: "1"}
        try:
            async with self._session.post(
                webhook.url, data=webhook.payload, headers=headers, allow_redirects=False
            ) as response:
                return "" if response.status < 300 else f"the endpoint returned {response.status}"
        except (ClientError, TimeoutError, OSError, ValueError) as error:
            return _reason(error)

    async def close(self) -> None:
        """Send nothing more."""
        for task in self._pending:
            task.cancel()
        self._pending.clear()
        if self._session is not None:
            await self._session.close()
            self._session = None


def _reason(error: Exception) -> str:
    """Return why an endpoint did not respond. Texts of most errors may have the address in them, so only their types
    are named."""
    from aiohttp import ClientConnectorError, ClientResponseError

    if isinstance(error, TimeoutError):
        return f"no response within {TIMEOUT:g} seconds"
    if isinstance(error, ClientConnectorError):
        return failure_reason(error)
    if isinstance(error, ClientResponseError):
        return "its response is not HTTP"
    return "the address is no URL" if isinstance(error, ValueError) else type(error).__name__


def _shown(webhook: Webhook) -> str:
    """Return a webhook for a report: its rule, if it has one, and its address without secrets."""
    rule = f" of {printable_line(webhook.rule)}" if webhook.rule else ""
    return f"webhook{rule} to {_origin(webhook.url)}"


def _origin(url: str) -> str:
    """Return scheme, host and port of an address. Its path and its query may have secrets."""
    parts = urlsplit(url)
    return printable_line(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", MAX_ADDRESS)


def _host(url: str) -> str:
    """Return the host of an address in lower case; empty where it has none, or is no address."""
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
    return host if host.isprintable() else ""
