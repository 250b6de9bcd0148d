"""The interface of what serves the lines of batches. They are served by modules that import `respond.py`."""

from __future__ import annotations

from typing import Protocol

from mockllm.core.batch import BatchJob
from mockllm.core.request.request import Request
from mockllm.server.request_heads import RequestHead


class BatchServerProtocol(Protocol):
    """Serves the lines of batches beside other exchanges, until the server ends."""

    def begin(self, job: BatchJob, head: RequestHead, request: Request, client_address: str) -> None:
        """Serve the lines of a new batch. `head` and `request` are those of the request that created it."""

    async def close(self) -> None:
        """Serve nothing more."""
