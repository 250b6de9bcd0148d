"""Frees the steps of long responses in parts.

A stream of 2 MB in small chunks has 200,000 steps. To free them at once takes 25 ms, in which no client is served.
"""

from __future__ import annotations

import asyncio
from typing import Final

from mockllm.core.rendering.plan import Plan, Step
from mockllm.core.rendering.prerendered_response import LazilyFilledSteps
from mockllm.engine import PlannedResponse

PART: Final = 4_000
"""Steps that are freed in one iteration of the loop: half a millisecond."""


class DiscardedSteps:
    """The steps of responses that the journal drops, as far as they are not freed yet."""

    def __init__(self) -> None:
        self._lists: list[list[Step]] = []

    def add(self, response: PlannedResponse) -> None:
        """Keep the steps of a long response until later iterations of the running loop free them."""
        content = response.content
        if not isinstance(content, Plan) or len(content.steps) <= PART:
            return
        if isinstance(content.steps, LazilyFilledSteps):  # it refers to the steps of the response cache
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # nothing waits for this thread
            return
        self._lists.append(list(content.steps))
        if len(self._lists) == 1:
            loop.call_soon(self._free, loop)

    def _free(self, loop: asyncio.AbstractEventLoop) -> None:
        del self._lists[-1][-PART:]
        if not self._lists[-1]:
            self._lists.pop()
        if self._lists:
            loop.call_soon(self._free, loop)
