"""What the server asks of a control API, which it does not know: it may be made late, or stand elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import Plan

if TYPE_CHECKING:
    from mockllm.server.connection import IncomingRequest


class ControlProtocol(Protocol):
    """Answers what `heads.steers` says is its."""

    async def answer(
        self, method: str, path: str, query: str, headers: Mapping[str, str], raw: bytes, client: str
    ) -> Plan:
        """The answer to a call, be it a refusal."""

    async def follow(self, incoming: IncomingRequest, headers: Mapping[str, str]) -> Plan | None:
        """Has a client follow what happens until it leaves; a refusal where it may not, or cannot."""

    def refuse(self, failure: Failure) -> Plan:
        """The server itself turns a call away."""

    def close(self) -> None:
        """The server stops: nobody follows any more."""
