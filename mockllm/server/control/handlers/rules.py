"""Handlers that list and change the rules and modifiers of the overlay, and list and end sessions."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from math import isfinite
from typing import Final, Literal

from pydantic import BaseModel

from mockllm.core.display import brief
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of
from mockllm.core.redaction import Redactor
from mockllm.core.request.request import Request
from mockllm.engine import Engine
from mockllm.engine.session_id import session_id_error
from mockllm.scenario.overlay import Overlay, to_yaml
from mockllm.server.control.api_types import YAML, ApiCall, ApiRoute, TextResponse
from mockllm.server.control.body_text import RULES, file_source, overlay_source
from mockllm.server.control.context import ControlContext
from mockllm.server.control.journal_queries import decode_again, entry_by_id, in_thread_if_large
from mockllm.server.control.models.base import Done
from mockllm.server.control.models.rules import (
    AddQuery,
    OverlayDone,
    OverlayItem,
    OverlayItems,
    SessionInfo,
    SessionList,
    SessionPatch,
    SessionQuery,
    SuggestedRule,
)
from mockllm.server.control.problem import Problem, diagnostics_problem
from mockllm.server.engine_builder import Broken
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.overlay_store import OverlayRejected, OverlaySettings

MAX_LISTED: Final = 10
"""Most names or session ids in an error message."""
MAX_MATCHED_LENGTH: Final = 120
"""Most characters of the user's text in the match of a suggested rule."""
GLOB: Final = frozenset("*?[")
PLACEHOLDER: Final = "Write the reply here."


async def add_rules(context: ControlContext, call: ApiCall[AddQuery]) -> BaseModel:
    """Add rules and modifiers to the overlay of all sessions or of one."""
    overlays, session, is_file = context.require_overlays(), call.query.session, call.query.file
    source = await asyncio.to_thread(file_source if is_file else overlay_source, call.raw)
    with _change(context, session):
        names = await overlays.add(source, session, is_file=is_file)
    return OverlayDone(names=names, overlay=overlays.text(session))


async def put_rule(context: ControlContext, call: ApiCall[SessionQuery]) -> BaseModel:
    """Replace or add one rule or modifier of the overlay."""
    overlays, session, name = context.require_overlays(), call.query.session, call.params["name"]
    with _change(context, session):
        await overlays.put(name, await asyncio.to_thread(overlay_source, call.raw), session)
    return OverlayDone(names=[name], overlay=overlays.text(session))


@contextmanager
def _change(context: ControlContext, session: str | None) -> Iterator[None]:
    """Turn the error of a changed overlay into a Problem; a session with a changed overlay counts as used."""
    if session is not None:
        context.require_sessions()
    try:
        yield
    except OverlayRejected as rejected:
        raise diagnostics_problem(rejected.diagnostics, rejected.status) from None
    except Broken as broken:
        raise diagnostics_problem(broken.diagnostics) from None
    if session is not None:
        context.use_session(session)


async def delete_rule(context: ControlContext, call: ApiCall[SessionQuery]) -> BaseModel:
    """Remove one rule or modifier from the overlay."""
    overlays, session, name = context.require_overlays(), call.query.session, call.params["name"]
    if not await overlays.remove(name, session):
        names = overlays.names(session)
        hint = f"it has {', '.join(names[:MAX_LISTED])}" if names else "it is empty"
        if name.startswith("settings ") and session is None:
            hint += "; remove settings with /api/config"
        raise Problem(404, f"The overlay has no {name[:80]}: {hint}.")
    return OverlayDone(names=[name], overlay=overlays.text(session))


async def delete_rules(context: ControlContext, call: ApiCall[SessionQuery]) -> BaseModel:
    """Empty the overlay of all sessions or of one."""
    overlays, session = context.require_overlays(), call.query.session
    names = overlays.names(session)
    await overlays.clear(session)
    return OverlayDone(names=names, overlay=overlays.text(session))


async def show_overlay(context: ControlContext, call: ApiCall[SessionQuery]) -> TextResponse:
    """The overlay as a scenario file."""
    return TextResponse(context.require_overlays().text(call.query.session).encode(), YAML)


# --- items and suggestions ---------------------------------------------------------------------------


async def list_items(context: ControlContext, call: ApiCall) -> BaseModel:
    """The rules and modifiers of the overlay."""
    overlays = context.require_overlays()
    # Writing a large overlay as YAML takes long; the thread lets streams continue.
    return await asyncio.to_thread(_items, overlays.of(None), dict(overlays.settings))


def _items(overlay: Overlay, settings: OverlaySettings) -> OverlayItems:
    items = []
    for endpoint, modifiers in settings.items():
        items += [_item("modifier", modifier, endpoint) for modifier in modifiers]
    names = {item.name for item in items}
    kinds: tuple[tuple[Literal["rule", "modifier"], Sequence[Json]], ...] = (
        ("rule", overlay.rules),
        ("modifier", overlay.modifiers),
    )
    for kind, listed in kinds:
        items += [_item(kind, item) for item in listed if item["name"] not in names]
    return OverlayItems(items=items)


def _item(kind: Literal["rule", "modifier"], item: Json, endpoint: str | None = None) -> OverlayItem:
    """Return one item of the overlay. `endpoint`: the endpoint of settings, an empty name for all of them."""
    return OverlayItem(
        name=item["name"],
        kind=kind,
        from_settings=endpoint is not None,
        endpoint=endpoint or None,
        yaml=to_yaml({f"{kind}s": [item]}),
    )


async def suggest_rule(context: ControlContext, call: ApiCall) -> BaseModel:
    """A rule for requests like this one, to edit."""
    entry = entry_by_id(context.journal, call.params["id"])
    return await in_thread_if_large(entry, partial(_suggested, entry, context.engine))


def _suggested(entry: JournalEntry, engine: Engine) -> SuggestedRule:
    request = decode_again(entry, engine)
    rule: dict[str, Json] = {"name": f"like-request-{entry.number}", "match": _match(request)}
    if request.generates:
        rule["reply"] = PLACEHOLDER
    elif request.is_for_mcp_server:
        rule["reply"] = PLACEHOLDER if "arguments" in request.mcp else {"json": {"text": PLACEHOLDER}}
    else:
        rule["http"] = {"status": 200, "body": PLACEHOLDER}
    return SuggestedRule(yaml=entry.full_redactor.text(Overlay(rules=(rule,)).text))


def _match(request: Request) -> dict[str, Json]:
    """Return a match on the model, the last user text, and the tool whose result the request contains. For a request
    to an MCP server, return a match on its call."""
    if request.is_for_mcp_server:
        return {"mcp": _tool_call(request.mcp)}
    if not request.generates:
        return {"method": request.method, "path": request.path}
    match: dict[str, Json] = {}
    if request.model is not None:
        match["model"] = _exactly(request.model)
    results = request.tool_results
    user = request.user
    if results:
        match["tool_result"] = {"name": results[-1].name} if results[-1].name else {"exists": True}
    elif user and len(user) <= MAX_MATCHED_LENGTH:
        match["user"] = user
    elif user:
        match["user"] = {"starts_with": user[:MAX_MATCHED_LENGTH]}
    return match


def _tool_call(call: Mapping[str, Json]) -> dict[str, Json]:
    """Return a match on the called tool, prompt or resource with its short arguments, else on the method."""
    words = ("server", "tool", "prompt", "resource") if "arguments" in call else ("server", "method")
    match: dict[str, Json] = {word: _exactly(call[word]) for word in words if call.get(word)}
    arguments = {
        f"$[{dumps(name).decode()}]": _exactly(value)
        for name, value in object_of(call.get("arguments")).items()
        if isinstance(value, str | int | float) and len(str(value)) <= MAX_MATCHED_LENGTH
    }
    return {**match, "arguments": arguments} if arguments else match


def _exactly(value: Json) -> Json:
    """Return a condition for this value alone; a bare text with wildcards would match others."""
    return {"equals": value} if isinstance(value, str) and GLOB & {*value} else value


async def list_sessions(context: ControlContext, call: ApiCall) -> BaseModel:
    """All sessions, the last used first."""
    state = context.engine.state
    state.expire(time.monotonic())
    used = state.sessions()
    overlays = {} if context.overlays is None else context.overlays.sizes
    requests = Counter(entry.session for entry in context.journal)
    shown = _shown_ids(context)
    sessions = [
        SessionInfo(
            id=shown[id],
            used=round(used[id].last_used, 6) if id in used else None,
            seed=used[id].seed if id in used else None,
            time_scale=used[id].time_scale if id in used else None,
            overlay=overlays.get(id, 0),
            requests=requests[id],
        )
        for id in context.sessions
    ]
    sessions.sort(key=lambda session: session.used or 0.0, reverse=True)
    return SessionList(
        sessions=sessions, unused=state.unused_timeout if isfinite(state.unused_timeout) else None
    )


async def change_session(context: ControlContext, call: ApiCall[object, SessionPatch]) -> BaseModel:
    """Set the time scale of a session, which begins if there is none of this id."""
    context.require_sessions()
    id = call.params["session"]
    wrong = session_id_error(id, "the path's session")
    if wrong is not None:
        raise Problem(400, wrong.message or "This is no id of a session.")
    context.engine.change_time_scale(id, call.body.time_scale, time.monotonic(), time.time())
    return Done(done=f"session {Redactor().session(id)}")


async def end_session(context: ControlContext, call: ApiCall) -> BaseModel:
    """End a session: its counters, stored responses and overlay."""
    shown = _shown_ids(context)
    known = {shown[id]: id for id in context.sessions}
    id = call.params["session"]
    id = known.get(id, id)
    if await context.has_session(id) is False:
        hint = f"the server has {', '.join(islice(known, MAX_LISTED))}" if known else "the server has none"
        raise Problem(404, f"There is no session {brief(Redactor().session(id))}: {hint}.")
    context.engine.state.end(id)
    if context.overlays is not None:
        await context.overlays.drop([id])
    context.resets += 1
    return Done(done=f"session {shown.get(id) or Redactor().session(id)}")


def _shown_ids(context: ControlContext) -> Mapping[str, str]:
    """Return the ids of sessions as readers see them: a client may use its key as the id."""
    redactors = {entry.session: entry.redactor for entry in context.journal}
    state = context.engine.state
    return {id: redactors.get(id, Redactor()).session(state.redacted_id(id)) for id in context.sessions}


ROUTES: Final = (
    ApiRoute("GET", "/api/requests/{id}/rule", suggest_rule, SuggestedRule),
    ApiRoute("POST", "/api/rules", add_rules, OverlayDone, query=AddQuery, raw=RULES),
    ApiRoute("DELETE", "/api/rules", delete_rules, OverlayDone, query=SessionQuery),
    ApiRoute("PUT", "/api/rules/{name}", put_rule, OverlayDone, query=SessionQuery, raw=RULES),
    ApiRoute("DELETE", "/api/rules/{name}", delete_rule, OverlayDone, query=SessionQuery),
    ApiRoute("GET", "/api/overlay", list_items, OverlayItems),
    ApiRoute("GET", "/api/overlay.yaml", show_overlay, query=SessionQuery, content_type=YAML),
    ApiRoute("GET", "/api/sessions", list_sessions, SessionList),
    ApiRoute("PATCH", "/api/sessions/{session}", change_session, Done, SessionPatch),
    ApiRoute("DELETE", "/api/sessions/{session}", end_session, Done),
)
