"""Handlers that list and change the rules and modifiers of the overlay."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Literal

from pydantic import BaseModel

from mockllm.core.json.codec import Json
from mockllm.core.request.request import Request
from mockllm.scenario.overlay import Overlay, to_yaml
from mockllm.scenario.source_file import Source
from mockllm.server.control.api_types import YAML, ApiCall, TextResponse
from mockllm.server.control.context import ControlContext
from mockllm.server.control.journal_queries import decode_again, entry_by_id
from mockllm.server.control.models.rule_items import OverlayDone, OverlayItem, OverlayItems, SuggestedRule
from mockllm.server.control.problem import Problem, diagnostics_problem
from mockllm.server.control.yaml_body import body_source
from mockllm.server.engine_builder import Broken
from mockllm.server.overlay_store import OverlayRejected, Settings

RULE_KEYS: Final = frozenset({"reply", "http", "sequence", "choose", "replay", "proxy", "fallback"})
"""Keys that only a rule has: they distinguish a single rule from a single modifier."""
FILE_KEYS: Final = frozenset({"rules", "modifiers"})
MAX_LISTED: Final = 10
"""Most names in an error message."""
MAX_MATCHED_LENGTH: Final = 120
"""Most characters of the user's text in the match of a suggested rule."""
GLOB: Final = frozenset("*?[")
PLACEHOLDER: Final = "Write the reply here."


async def add_rules(context: ControlContext, call: ApiCall) -> BaseModel:
    overlays, session = context.require_overlays(), call.query.session
    source = await asyncio.to_thread(_source, call.raw)
    try:
        names = await overlays.add(source, session)
    except OverlayRejected as rejected:
        raise diagnostics_problem(rejected.diagnostics, rejected.status) from None
    except Broken as broken:
        raise diagnostics_problem(broken.mistakes) from None
    if session is not None:
        context.use_session(session)
    return OverlayDone(names=names, overlay=overlays.text(session))


async def put_rule(context: ControlContext, call: ApiCall) -> BaseModel:
    overlays, session, name = context.require_overlays(), call.query.session, call.params["name"]
    try:
        await overlays.put(name, await asyncio.to_thread(_source, call.raw), session)
    except OverlayRejected as rejected:
        raise diagnostics_problem(rejected.diagnostics, rejected.status) from None
    except Broken as broken:
        raise diagnostics_problem(broken.mistakes) from None
    if session is not None:
        context.use_session(session)
    return OverlayDone(names=[name], overlay=overlays.text(session))


async def delete_rule(context: ControlContext, call: ApiCall) -> BaseModel:
    overlays, session, name = context.require_overlays(), call.query.session, call.params["name"]
    if not await overlays.remove(name, session):
        names = overlays.names(session)
        hint = f"it has {', '.join(names[:MAX_LISTED])}" if names else "it is empty"
        if name.startswith("settings ") and session is None:
            hint += "; remove settings with /api/config"
        raise Problem(404, f"The overlay has no {name[:80]}: {hint}.")
    return OverlayDone(names=[name], overlay=overlays.text(session))


async def delete_rules(context: ControlContext, call: ApiCall) -> BaseModel:
    overlays, session = context.require_overlays(), call.query.session
    names = overlays.names(session)
    await overlays.clear(session)
    return OverlayDone(names=names, overlay=overlays.text(session))


async def show_overlay(context: ControlContext, call: ApiCall) -> TextResponse:
    return TextResponse(context.require_overlays().text(call.query.session).encode(), YAML)


def _source(raw: bytes) -> Source:
    """Parse a YAML or JSON body: the `rules` and `modifiers` of a scenario file, or a single rule or modifier."""
    source = body_source(raw)
    data: Any = source.data
    if source.diagnostics or not isinstance(data, dict) or FILE_KEYS & data.keys() or not data:
        if not source.diagnostics and not (isinstance(data, dict) and data):
            message = "expected rules, modifiers, or one of them"
            raise diagnostics_problem([source.diagnostic((), message)])
        return source
    kind = "rules" if RULE_KEYS & data.keys() or ("error" in data and "chance" not in data) else "modifiers"
    inner: Any = {kind: (0, source.marks[1], [source.marks])}
    return Source("body", {kind: [data]}, (0, source.marks[1], inner), has_params=source.has_params)


# --- items and suggestions ---------------------------------------------------------------------------


async def list_items(context: ControlContext, call: ApiCall) -> BaseModel:
    overlays = context.require_overlays()
    # Writing a large overlay as YAML takes long; the thread lets streams continue.
    return await asyncio.to_thread(_items, overlays.of(None), dict(overlays.settings))


def _items(overlay: Overlay, settings: Settings) -> OverlayItems:
    items = []
    for endpoint, modifiers in settings.items():
        items += [_item("modifier", modifier, endpoint) for modifier in modifiers]
    names = {item.name for item in items}
    kinds: tuple[tuple[Literal["rule", "modifier"], Any], ...] = (
        ("rule", overlay.rules),
        ("modifier", overlay.modifiers),
    )
    for kind, listed in kinds:
        items += [_item(kind, item) for item in listed if item["name"] not in names]
    return OverlayItems(items=items)


def _item(kind: Literal["rule", "modifier"], item: Any, endpoint: str | None = None) -> OverlayItem:
    """Return one item of the overlay. `endpoint`: the endpoint of settings, an empty name for all of them."""
    return OverlayItem(
        name=item["name"],
        kind=kind,
        from_settings=endpoint is not None,
        endpoint=endpoint or None,
        yaml=to_yaml({f"{kind}s": [item]}),
    )


async def suggest_rule(context: ControlContext, call: ApiCall) -> BaseModel:
    entry = entry_by_id(context.journal, call.params["id"])
    request = decode_again(entry, context.engine)
    rule: dict[str, Json] = {"name": f"like-request-{entry.number}", "match": _match(request)}
    if request.generates:
        rule["reply"] = PLACEHOLDER
    else:
        rule["http"] = {"status": 200, "body": PLACEHOLDER}
    return SuggestedRule(yaml=entry.full_redactor.text(Overlay(rules=(rule,)).text))


def _match(request: Request) -> dict[str, Json]:
    """Return a match on the model, the last user text, and the tool whose result the request contains."""
    if not request.generates:
        return {"method": request.method, "path": request.path}
    match: dict[str, Json] = {}
    if request.model is not None:
        match["model"] = {"equals": request.model} if GLOB & {*request.model} else request.model
    results = request.tool_results
    user = request.user
    if results:
        match["tool_result"] = {"name": results[-1].name} if results[-1].name else {"exists": True}
    elif user and len(user) <= MAX_MATCHED_LENGTH:
        match["user"] = user
    elif user:
        match["user"] = {"starts_with": user[:MAX_MATCHED_LENGTH]}
    return match
