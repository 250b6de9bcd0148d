"""The control API in a worker: the supervisor, which has the data of all workers, responds to each call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from multidict import CIMultiDict

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import Plan
from mockllm.server.control.lazy_routes import LazyRoutes
from mockllm.server.control.live_feed import LiveFeed
from mockllm.server.workers.channel import CallFailed, Channel, ChannelClosed

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest

AWAY = "The supervisor of this worker has ended."


class ForwardedControl(LazyRoutes):
    """Passes the calls of the control API on, over the channel to the supervisor."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._feed: ForwardedFeed | None = None
        super().__init__()

    async def respond(
        self, method: str, path: str, query: str, headers: Mapping[str, str], raw: bytes, client_address: str
    ) -> Plan:
        plan = await self._called("control", method, path, query, CIMultiDict(headers), raw, client_address)
        assert isinstance(plan, Plan)
        return plan

    async def _called(self, name: str, *values: object) -> object:
        """Return the result of a call of the supervisor, or the plan of a 503 that says why there is none."""
        try:
            return await self._channel.call(name, *values)
        except ChannelClosed:
            reason = AWAY
        except CallFailed as failure:
            reason = f"The supervisor of this worker cannot respond: {failure}."
        return self.refuse(Failure("server_error", 503, reason))

    async def follow(
        self, request: BaseRequest, headers: Mapping[str, str], client_address: str
    ) -> Plan | None:
        """Send the frames of the supervisor's live feed to a client."""
        from mockllm.server.control.api import problem_plan
        from mockllm.server.control.problem import Problem

        error = await self._called("refused_follower", CIMultiDict(headers), client_address)
        if error is not None:
            assert isinstance(error, Plan)
            return error
        if self._feed is None:
            self._feed = ForwardedFeed(self._channel)
        try:
            await self._feed.follow(request)
        except Problem as problem:
            return problem_plan(problem)
        return None

    def refuse(self, failure: Failure) -> Plan:
        """Return the response to a call that the server refused: too large, too slow or too deep."""
        from mockllm.server.control.api import problem_plan
        from mockllm.server.control.problem import Problem

        return problem_plan(Problem(failure.status or 400, failure.message or "The call is refused."))

    def close(self) -> None:
        if self._feed is not None:
            self._feed.close()

    def send_frames(self, data: bytes) -> None:
        """Send frames of the supervisor to all followers."""
        if self._feed is not None:
            self._feed.send((data,))


class ForwardedFeed(LiveFeed):
    """The followers of one worker."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(None)
        self._channel = channel

    def _begin(self) -> None:
        self._channel.notify("follow")

    def _end(self) -> None:
        self._channel.notify("unfollow")


class WorkerFollower:
    """All followers of one worker, as one follower of the supervisor's feed."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def write(self, data: bytes) -> None:
        self._channel.notify("frames", data)

    def get_write_buffer_size(self) -> int:
        return self._channel.unsent_bytes

    def is_closing(self) -> bool:
        return False

    def close(self) -> None: ...

    def abort(self) -> None:
        """Leave out these frames: the worker is busy."""
