"""Handlers that show and change the settings of endpoints, and reset their limits."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel

from mockllm.core.json.codec import Json, dumps
from mockllm.scenario.overlay import overlay_entries
from mockllm.server.control.api_types import ApiCall, ApiRoute
from mockllm.server.control.body_text import body_source
from mockllm.server.control.context import ControlContext
from mockllm.server.control.endpoints import (
    ENDPOINTS,
    climates,
    endpoint_name,
    merge_patch,
    modifier_applies,
    settings_modifiers,
)
from mockllm.server.control.models.base import Done
from mockllm.server.control.models.settings import (
    Config,
    EndpointList,
    EndpointSettings,
    SettingsPatch,
)
from mockllm.server.control.problem import FieldProblem, Problem, diagnostics_problem
from mockllm.server.overlay_store import OverlayRejected


async def show_config(context: ControlContext, call: ApiCall) -> BaseModel:
    settings = context.settings
    return Config(
        global_=settings.get("", {}),
        endpoints={endpoint: dict(values) for endpoint, values in settings.items() if endpoint},
        overlay=context.require_overlays().text(None),
        folder=context.folder,
    )


async def patch_global(context: ControlContext, call: ApiCall) -> BaseModel:
    await _patch(context, "", call.body)
    return await show_config(context, call)


async def list_endpoints(context: ControlContext, call: ApiCall) -> BaseModel:
    return EndpointList(endpoints=[_endpoint(context, name) for name in ENDPOINTS])


async def patch_endpoint(context: ControlContext, call: ApiCall) -> BaseModel:
    endpoint = endpoint_name(call.params["endpoint"])
    await _patch(context, endpoint, call.body)
    return _endpoint(context, endpoint)


async def delete_endpoint(context: ControlContext, call: ApiCall) -> BaseModel:
    endpoint = endpoint_name(call.params["endpoint"])
    await _replace(context, {name: values for name, values in context.settings.items() if name != endpoint})
    return _endpoint(context, endpoint)


async def reset_config(context: ControlContext, call: ApiCall) -> BaseModel:
    await _replace(context, {})
    return await show_config(context, call)


def _endpoint(context: ControlContext, name: str) -> EndpointSettings:
    settings = context.settings.get(name, {})
    return EndpointSettings(endpoint=name, paths=list(ENDPOINTS[name].paths), settings=dict(settings))


async def _patch(context: ControlContext, endpoint: str, body: SettingsPatch) -> None:
    patch = {key: getattr(body, key) for key in SettingsPatch.model_fields if key in body.model_fields_set}
    if patch.get("climate") is not None and patch["climate"] not in climates():
        message = f"there is no such climate; the climates are {', '.join(climates())}"
        raise Problem(422, f"climate: {message}", [FieldProblem(field="climate", message=message)])
    if patch.get("chance") is not None:
        _check_chance(context, patch["chance"])
    settings = dict(context.settings)
    settings[endpoint] = merge_patch(settings.get(endpoint, {}), patch)
    await _replace(context, settings)


def _check_chance(context: ControlContext, chance: Json) -> None:
    """Check a chance with an example error: without `error` or `faults` it produces no modifier to check."""
    text = dumps({"modifiers": [{"name": "settings", "error": "overloaded", "chance": chance}]})
    mistakes = overlay_entries(body_source(text), None, context.vocabulary).diagnostics
    if mistakes:
        raise _settings_problem(OverlayRejected(422, *mistakes))


async def _replace(context: ControlContext, settings: dict[str, dict[str, Json]]) -> None:
    overlays = context.require_overlays()
    settings = {endpoint: values for endpoint, values in settings.items() if values}
    try:
        await overlays.configure(
            {endpoint: settings_modifiers(endpoint, values) for endpoint, values in settings.items()}
        )
    except OverlayRejected as rejected:
        raise _settings_problem(rejected) from None
    context.settings = settings


def _settings_problem(rejected: OverlayRejected) -> Problem:
    """Return the diagnostics of modifiers as problems of the settings that they come from."""
    problem = diagnostics_problem(rejected.diagnostics, rejected.status)
    for error in problem.body.errors:
        error.field = error.field.partition(".")[2] or error.field
        error.line = error.column = None
    problem.body.detail = "; ".join(f"{error.field}: {error.message}" for error in problem.body.errors)
    return problem


# --- limits ------------------------------------------------------------------------------------------


async def reset_limits(context: ControlContext, call: ApiCall) -> BaseModel:
    context.engine.state.reset_limits()
    return Done(done="all limits")


async def reset_endpoint_limits(context: ControlContext, call: ApiCall) -> BaseModel:
    endpoint = endpoint_name(call.params["endpoint"])
    items = context.engine.catalog.items
    keys = frozenset(
        item.key for item in items if item.limit is not None and modifier_applies(item, endpoint)
    )
    context.engine.state.reset_limits(keys)
    return Done(done=f"{len(keys)} limit{'s' * (len(keys) != 1)} of {endpoint}")


ROUTES: Final = (
    ApiRoute("GET", "/api/config", show_config, "All settings that were changed at run time", Config),
    ApiRoute(
        "PATCH", "/api/config/global", patch_global, "Change settings of all endpoints", Config, SettingsPatch
    ),
    ApiRoute(
        "GET", "/api/config/endpoints", list_endpoints, "All endpoints with their settings", EndpointList
    ),
    ApiRoute(
        "PATCH",
        "/api/config/endpoints/{endpoint}",
        patch_endpoint,
        "Change settings of one endpoint",
        EndpointSettings,
        SettingsPatch,
    ),
    ApiRoute(
        "DELETE",
        "/api/config/endpoints/{endpoint}",
        delete_endpoint,
        "Remove all settings of one endpoint",
        EndpointSettings,
    ),
    ApiRoute("POST", "/api/config/reset", reset_config, "Remove all settings", Config),
    ApiRoute("POST", "/api/rate-limit/reset", reset_limits, "Reset the quotas of all limits", Done),
    ApiRoute(
        "POST",
        "/api/rate-limit/reset/{endpoint}",
        reset_endpoint_limits,
        "Reset the quotas of the limits of one endpoint",
        Done,
    ),
)
