"""Calls of the control API that change what answers: the overlay's rules, and settings."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from mockllm.core.json.codec import Json, dumps
from mockllm.scenario.overlay import overlaid
from mockllm.scenario.source_file import Source
from mockllm.server.control.api_types import YAML, ApiCall, TextResponse
from mockllm.server.control.climate_presets import climates
from mockllm.server.control.endpoint_settings import merged, modifiers, sees
from mockllm.server.control.endpoints import ENDPOINTS, named
from mockllm.server.control.models import resources
from mockllm.server.control.problem import FieldProblem, Problem, of_mistakes
from mockllm.server.control.yaml_body import source_of
from mockllm.server.engine_builder import Broken
from mockllm.server.overlay_store import OverlayRejected, OverlayStore

if TYPE_CHECKING:
    from mockllm.server.control.control import ControlApi

ANSWERS = frozenset({"reply", "http", "sequence", "choose", "replay", "proxy", "fallback"})
"""The words by which a bare item is told to be a rule."""
BROAD = frozenset({"rules", "modifiers"})


def _overlays(control: ControlApi) -> OverlayStore:
    if control.overlays is None:
        raise Problem(501, "This server has no overlay: what answers is said by the test that started it.")
    return control.overlays


async def add_rules(control: ControlApi, call: ApiCall) -> BaseModel:
    overlays, session = _overlays(control), call.query.session
    source = await asyncio.to_thread(_source, call.raw)
    try:
        names = await overlays.add(source, session)
    except OverlayRejected as refused:
        raise _problem(refused) from None
    except Broken as broken:
        raise of_mistakes(broken.mistakes) from None
    if session is not None:
        control.use_session(session)
    return resources.OverlayDone(names=names, overlay=overlays.text(session))


async def put_rule(control: ControlApi, call: ApiCall) -> BaseModel:
    overlays, session, name = _overlays(control), call.query.session, call.params["name"]
    try:
        await overlays.put(name, await asyncio.to_thread(_source, call.raw), session)
    except OverlayRejected as refused:
        raise _problem(refused) from None
    except Broken as broken:
        raise of_mistakes(broken.mistakes) from None
    if session is not None:
        control.use_session(session)
    return resources.OverlayDone(names=[name], overlay=overlays.text(session))


async def delete_rule(control: ControlApi, call: ApiCall) -> BaseModel:
    overlays, session, name = _overlays(control), call.query.session, call.params["name"]
    if not await overlays.remove(name, session):
        names = overlays.names(session)
        there = f"it has {', '.join(names[:10])}" if names else "it is empty"
        if name.startswith("settings ") and session is None:
            there += "; settings are taken back by /api/config"
        raise Problem(404, f"The overlay has no {name[:80]}: {there}.")
    return resources.OverlayDone(names=[name], overlay=overlays.text(session))


async def delete_rules(control: ControlApi, call: ApiCall) -> BaseModel:
    overlays, session = _overlays(control), call.query.session
    names = overlays.names(session)
    await overlays.clear(session)
    return resources.OverlayDone(names=names, overlay=overlays.text(session))


async def show_overlay(control: ControlApi, call: ApiCall) -> TextResponse:
    return TextResponse(_overlays(control).text(call.query.session).encode(), YAML)


def _source(raw: bytes) -> Source:
    """The body, YAML or JSON: a scenario file's `rules` and `modifiers`, or one of them bare."""
    source = source_of(raw)
    data: Any = source.data
    if source.mistakes or not isinstance(data, dict) or BROAD & data.keys() or not data:
        if not source.mistakes and not (isinstance(data, dict) and data):
            message = "expected rules, modifiers, or one of them"
            raise of_mistakes([source.mistake((), message)])
        return source
    kind = "rules" if ANSWERS & data.keys() or ("error" in data and "chance" not in data) else "modifiers"
    inner: Any = {kind: (0, source.marks[1], [source.marks])}
    return Source("body", {kind: [data]}, (0, source.marks[1], inner), fills=source.fills)


def _problem(refused: OverlayRejected) -> Problem:
    problem = of_mistakes(refused.mistakes)
    problem.status = problem.body.status = refused.status
    return problem


# --- settings ----------------------------------------------------------------------------------------


async def show_config(control: ControlApi, call: ApiCall) -> BaseModel:
    held = control.settings
    own = {endpoint: dict(settings) for endpoint, settings in held.items() if endpoint}
    text = _overlays(control).text(None)
    told = {"global": held.get("", {}), "endpoints": own, "overlay": text, "folder": control.folder}
    return resources.Config.model_validate(told)


async def patch_global(control: ControlApi, call: ApiCall) -> BaseModel:
    await _set(control, "", call.body)
    return await show_config(control, call)


async def list_endpoints(control: ControlApi, call: ApiCall) -> BaseModel:
    return resources.EndpointList(endpoints=[_endpoint(control, name) for name in ENDPOINTS])


async def patch_endpoint(control: ControlApi, call: ApiCall) -> BaseModel:
    endpoint = named(call.params["endpoint"])
    await _set(control, endpoint, call.body)
    return _endpoint(control, endpoint)


async def delete_endpoint(control: ControlApi, call: ApiCall) -> BaseModel:
    endpoint = named(call.params["endpoint"])
    await _configure(control, {name: held for name, held in control.settings.items() if name != endpoint})
    return _endpoint(control, endpoint)


async def reset_config(control: ControlApi, call: ApiCall) -> BaseModel:
    await _configure(control, {})
    return await show_config(control, call)


def _endpoint(control: ControlApi, name: str) -> resources.EndpointSettings:
    settings = control.settings.get(name, {})
    return resources.EndpointSettings(
        endpoint=name, paths=list(ENDPOINTS[name].paths), settings=dict(settings)
    )


async def _set(control: ControlApi, endpoint: str, body: resources.SettingsPatch) -> None:
    patch = {word: getattr(body, word) for word in body.model_fields_set}
    if patch.get("climate") is not None and patch["climate"] not in climates():
        there = f"there is no such climate; there are {', '.join(climates())}"
        raise Problem(422, f"climate: {there}", [FieldProblem(field="climate", message=there)])
    if patch.get("chance") is not None:
        _check_chance(control, patch["chance"])
    settings = dict(control.settings)
    settings[endpoint] = merged(settings.get(endpoint, {}), patch)
    await _configure(control, settings)


def _check_chance(control: ControlApi, chance: Json) -> None:
    """A chance stands for nothing before there is something that it is the chance of; it is checked all the same."""
    text = dumps({"modifiers": [{"name": "settings", "error": "overloaded", "chance": chance}]})
    mistakes = overlaid(source_of(text), None, control.vocabulary).mistakes
    if mistakes:
        raise _in_settings(OverlayRejected(422, *mistakes))


async def _configure(control: ControlApi, settings: dict[str, dict[str, Json]]) -> None:
    overlays = _overlays(control)
    settings = {endpoint: held for endpoint, held in settings.items() if held}
    try:
        await overlays.configure({name: modifiers(name, held) for name, held in settings.items()})
    except OverlayRejected as refused:
        raise _in_settings(refused) from None
    control.settings = settings


def _in_settings(refused: OverlayRejected) -> Problem:
    """The mistakes of modifiers, as those of the settings that they stand for."""
    problem = _problem(refused)
    for each in problem.body.errors:
        each.field = each.field.partition(".")[2] or each.field
        each.line = each.column = None
    problem.body.detail = "; ".join(f"{each.field}: {each.message}" for each in problem.body.errors)
    return problem


# --- limits ------------------------------------------------------------------------------------------


async def reset_limits(control: ControlApi, call: ApiCall) -> BaseModel:
    control.engine.state.reset_limits()
    return resources.Done(done="all limits")


async def reset_limits_of(control: ControlApi, call: ApiCall) -> BaseModel:
    endpoint = named(call.params["endpoint"])
    items = control.engine.catalog.items
    keys = frozenset(item.key for item in items if item.limit is not None and sees(item, endpoint))
    control.engine.state.reset_limits(keys)
    return resources.Done(done=f"{len(keys)} limit{'s' * (len(keys) != 1)} that {endpoint} meets")
