"""The control API of a server that must start at once: it is made for its first call.

Separate from `server.control`, which takes some milliseconds to load.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import Plan
from mockllm.server.app import App

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest

    from mockllm.server.control.api import ControlApi


class LazyControl:
    """A control API that is made when it is needed. See `ControlProtocol`."""

    def __init__(self, make: Callable[[], ControlApi]) -> None:
        self._make = make
        self._made: ControlApi | None = None

    @property
    def made(self) -> ControlApi:
        if self._made is None:
            self._made = self._make()
        return self._made

    async def respond(
        self, method: str, path: str, query: str, headers: Mapping[str, str], raw: bytes, client: str
    ) -> Plan:
        return await self.made.respond(method, path, query, headers, raw, client)

    async def follow(self, request: BaseRequest, headers: Mapping[str, str], client: str) -> Plan | None:
        return await self.made.follow(request, headers, client)

    def refuse(self, failure: Failure) -> Plan:
        return self.made.refuse(failure)

    def close(self) -> None:
        if self._made is not None:
            self._made.close()


def steer_late(app: App, make: Callable[[], ControlApi]) -> None:
    """Give an app its control API, which is made for its first call."""
    app.control = LazyControl(make)
