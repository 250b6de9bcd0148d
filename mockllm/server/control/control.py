"""The control API as one object: finds the route, reads what it takes, has it answered.

It holds the app that it controls, and what only the command line can hand in: the reload, and `explain`.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from mockllm.core.display import brief
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.engine import Engine
from mockllm.scenario.catalog import CatalogItem
from mockllm.scenario.overlay import LIVE, SESSION
from mockllm.scenario.vocabulary import Vocabulary
from mockllm.server.control.access import Access
from mockllm.server.control.api_types import ApiCall, TextResponse, problem_plan, success_plan
from mockllm.server.control.problem import FieldProblem, Problem, not_for, of_validation
from mockllm.server.journal.entry import endpoint
from mockllm.server.journal.journal import SLICE, Journal
from mockllm.server.metrics import NONE, Metrics
from mockllm.server.overlay_store import OverlayStore
from mockllm.server.request_heads import FEED

if TYPE_CHECKING:
    from mockllm.server.connection import IncomingRequest
    from mockllm.server.control.handlers.sessions import OverlayExpiry
    from mockllm.server.control.live_feed import LiveFeed


class ControlledApp(Protocol):
    """The app."""

    @property
    def journal(self) -> Journal: ...
    @property
    def metrics(self) -> Metrics: ...
    @property
    def engine(self) -> Any: ...
    @property
    def playing(self) -> Mapping[type[Request], int]: ...


class ControlApi:
    """See above. `explain` is given a request (as `mockllm explain` takes one) and an engine."""

    def __init__(
        self,
        app: ControlledApp,
        *,
        access: Access | None = None,
        vocabulary: Vocabulary | None = None,
        explain: Callable[[bytes, Engine], Json] | None = None,
        reload: Callable[[], Awaitable[object]] | None = None,
        overlays: OverlayStore | None = None,
        folder: str | None = None,
    ) -> None:
        self._app = app
        self._access = access or Access()
        self.vocabulary = vocabulary or Vocabulary()
        self.explain = explain
        self.reload = reload
        self.overlays = overlays
        self.folder = folder
        """Where the user's scenarios stand, or would be looked for."""
        self.settings: dict[str, dict[str, Json]] = {}
        """What was set, by endpoint (an empty text is all)."""
        self.resets = 0
        """How often something was forgotten that rules count."""
        self._feed: LiveFeed | None = None
        self._ends: OverlayExpiry | None = None

    @property
    def metrics(self) -> Metrics:
        return self._app.metrics

    @property
    def open(self) -> int:
        """How many answers that take their time are being given."""
        return sum(self._app.playing.values())

    @property
    def under_way(self) -> dict[str, int]:
        """How many answers that take their time are being given, by endpoint."""
        found: dict[str, int] = {}
        for kind, count in self._app.playing.items():
            name = endpoint(kind) or NONE
            found[name] = found.get(name, 0) + count
        return {name: count for name, count in found.items() if count}

    @property
    def journal(self) -> Journal:
        return self._app.journal

    @property
    def engine(self) -> Engine:
        engine: Engine = self._app.engine
        return engine

    @property
    def sessions(self) -> Sequence[str]:
        """All sessions that there are: used ones, and those with an overlay."""
        overlays = () if self.overlays is None else self.overlays.sessions
        return tuple(dict.fromkeys((*self.engine.state.held(), *overlays)))

    async def answer(
        self, method: str, path: str, query: str, headers: Mapping[str, str], raw: bytes, client: str
    ) -> Plan:
        """The answer to a call; a mistake of ours is a 500."""
        try:
            if path.split("/", 2)[1] == "dashboard":
                from mockllm.server.control import dashboard

                return dashboard.answer(self._access, method, path, query, headers, raw, client)
            self._access.check(method, headers, client)
            return success_plan(await self._answered(method, path, query, raw, headers.get("accept", "")))
        except Problem as problem:
            return problem_plan(problem)
        except Exception:
            return _failed()

    async def follow(self, incoming: IncomingRequest, headers: Mapping[str, str]) -> Plan | None:
        """Has a client follow the feed until it leaves; a refusal where it may not, or cannot."""
        from mockllm.server.control.live_feed import LiveFeed

        try:
            self._access.check("CONNECT", headers, incoming.connection.client)  # of any origin, were it a GET
            if self._feed is None:
                self._feed = LiveFeed(self)
            await self._feed.follow(incoming)
            return None
        except Problem as problem:
            return problem_plan(problem)
        except Exception:
            return _failed()

    @property
    def followers(self) -> int:
        """How many follow the feed."""
        return 0 if self._feed is None else len(self._feed)

    def close(self) -> None:
        """The server stops: nobody follows any more."""
        if self._feed is not None:
            self._feed.close()

    def refuse(self, failure: Failure) -> Plan:
        """The server itself turns a call away: too large, too slow, too deep."""
        return problem_plan(Problem(failure.status or 400, failure.message or "The call is not taken."))

    async def _answered(self, method: str, path: str, query: str, raw: bytes, accept: str) -> Any:
        from mockllm.server.control.models.resources import NoParameters  # a start need not wait for these
        from mockllm.server.control.routes import find

        if path == "/metrics":
            if method not in ("GET", "HEAD"):
                raise not_for(method, path, ["GET"])
            from mockllm.server.control.prometheus import exposed

            return TextResponse(*exposed(self, accept))
        if path == FEED:
            raise Problem(
                426, "Here is a WebSocket, the live feed of what happens: ask for it with an upgrade."
            )
        found = find(method, path)
        if isinstance(found, list):
            if found:
                raise not_for(method, path, found)
            raise Problem(404, f"Nothing is served at {brief(path)}; /api/openapi.json lists what there is.")
        route, params = found
        asked = _validated(route.query or NoParameters, _once(parse_qsl(query, keep_blank_values=True)))
        body = None
        if route.body_model is not None:
            body = _validated(route.body_model, _json(raw))
        elif route.raw is None and route.method != "GET":
            _validated(NoParameters, _json(raw))
        await self._settled()
        return await route.handler(self, ApiCall(params, asked, body, raw))

    async def _settled(self) -> None:
        """Has the journal ready to be looked at, in slices; under load more may come than that."""
        for _ in range(self.journal.size // SLICE + 1):
            if not self.journal.settle(SLICE):
                break
            await asyncio.sleep(0)

    def use_session(self, id: str) -> None:
        """A session is given an overlay: it is used now, and from now on the overlay ends with it."""
        self.engine.state.session(id, time.time())
        if self._ends is None and self.overlays is not None:
            from mockllm.server.control.handlers.sessions import OverlayExpiry

            self._ends = OverlayExpiry(self.engine.state, self.overlays)
        if self._ends is not None:
            self._ends.tend()

    async def forget(self, what: str) -> None:
        """Forgets what `/api/reset` names."""
        if what == "state":
            self.resets += 1
            self.engine.state.reset()
            if self.overlays is not None:  # a session's overlay ends with it
                await self.overlays.drop(self.overlays.sessions)
        elif what == "journal":
            self.journal.clear()
        elif what == "metrics":
            self.journal.count()
            self.metrics.reset()
        elif self.overlays is not None:
            await self.overlays.clear(all=True)
            self.settings = {}

    def layer_of(self, item: CatalogItem) -> tuple[Literal["overlay", "session", "user", "pack"], str | None]:
        """Where a rule comes from, and whose it is."""
        if item.layer == SESSION:
            file = item.where.rpartition(":")[0]
            return "session", file.removeprefix("session-").removesuffix(".yaml")
        return "overlay" if item.layer == LIVE else "pack" if item.layer else "user", None


def _failed() -> Plan:
    traceback.print_exc(file=sys.stderr)
    return problem_plan(Problem(500, "mockllm itself has failed; its log says where."))


def _json(raw: bytes) -> Json:
    """A body; nothing is an empty object."""
    if not raw.strip():
        return {}
    try:
        data: Json = loads(raw)
    except JSONDecodeError as error:
        raise Problem(400, f"The body is not JSON: {error.msg} (line {error.lineno}).") from None
    return data


def _validated(model: type[BaseModel], data: Json) -> BaseModel:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise of_validation(error, model) from None


def _once(pairs: Sequence[tuple[str, str]]) -> dict[str, Json]:
    """The parameters of a query."""
    found: dict[str, Json] = {}
    for name, value in pairs:
        if name in found:
            raise Problem(
                422, f"{brief(name)} is given twice.", [FieldProblem(field=name, message="is given twice")]
            )
        found[name] = value
    return found
