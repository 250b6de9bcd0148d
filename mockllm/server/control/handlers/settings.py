"""Handlers of the settings of endpoints, of their possible values, and of limits."""

from __future__ import annotations

import inspect
from typing import Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from mockllm.core.display import counted
from mockllm.core.failure import NAMED
from mockllm.core.faults import FAULTS
from mockllm.core.json.codec import Json, dumps
from mockllm.core.limits.limit_data import STRATEGIES
from mockllm.scenario.overlay import overlay_entries, to_yaml
from mockllm.server.control.api_types import ApiCall, ApiRoute
from mockllm.server.control.body_text import body_source
from mockllm.server.control.called_address import called_address
from mockllm.server.control.context import ControlContext
from mockllm.server.control.endpoints import (
    ENDPOINTS,
    climates,
    endpoint_match,
    endpoint_name,
    merge_patch,
    modifier_applies,
    settings_modifiers,
)
from mockllm.server.control.models.base import Done
from mockllm.server.control.models.settings import (
    ClimateInfo,
    ClimateList,
    ClimateQuery,
    Config,
    EndpointList,
    EndpointSettings,
    ErrorStatus,
    FailureModes,
    FaultMode,
    FaultSetting,
    SettingsPatch,
    Strategies,
    Strategy,
)
from mockllm.server.control.problem import FieldProblem, Problem, diagnostics_problem
from mockllm.server.engine_builder import Broken
from mockllm.server.overlay_store import OverlayRejected


async def show_config(context: ControlContext, call: ApiCall) -> BaseModel:
    """All settings that were changed at run time."""
    settings, providers = context.settings, context.provider_address
    return Config(
        global_=settings.get("", {}),
        endpoints={endpoint: dict(values) for endpoint, values in settings.items() if endpoint},
        overlay=context.require_overlays().text(None),
        folder=context.folder,
        provider_origin=None if providers is None else called_address(call.headers, providers),
    )


async def patch_global(context: ControlContext, call: ApiCall[object, SettingsPatch]) -> BaseModel:
    """Change settings of all endpoints."""
    await _patch(context, "", call.body)
    return await show_config(context, call)


async def list_endpoints(context: ControlContext, call: ApiCall) -> BaseModel:
    """All endpoints with their settings."""
    return EndpointList(endpoints=[_endpoint(context, name) for name in ENDPOINTS])


async def patch_endpoint(context: ControlContext, call: ApiCall[object, SettingsPatch]) -> BaseModel:
    """Change settings of one endpoint."""
    endpoint = endpoint_name(call.params["endpoint"])
    await _patch(context, endpoint, call.body)
    return _endpoint(context, endpoint)


async def delete_endpoint(context: ControlContext, call: ApiCall) -> BaseModel:
    """Remove all settings of one endpoint."""
    endpoint = endpoint_name(call.params["endpoint"])
    await _replace(context, {name: values for name, values in context.settings.items() if name != endpoint})
    return _endpoint(context, endpoint)


async def reset_config(context: ControlContext, call: ApiCall) -> BaseModel:
    """Remove all settings."""
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
    diagnostics = overlay_entries(body_source(text), None, context.known_names).diagnostics
    if diagnostics:
        raise _settings_problem(OverlayRejected(422, *diagnostics))


async def _replace(context: ControlContext, settings: dict[str, dict[str, Json]]) -> None:
    overlays = context.require_overlays()
    settings = {endpoint: values for endpoint, values in settings.items() if values}
    try:
        await overlays.configure(
            {endpoint: settings_modifiers(endpoint, values) for endpoint, values in settings.items()}
        )
    except OverlayRejected as rejected:
        raise _settings_problem(rejected) from None
    except Broken as broken:
        raise _settings_problem(OverlayRejected(422, *broken.diagnostics)) from None
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
    """Reset the quotas of all limits."""
    context.engine.state.reset_limits()
    return Done(done="all limits")


async def reset_endpoint_limits(context: ControlContext, call: ApiCall) -> BaseModel:
    """Reset the quotas of the limits of one endpoint."""
    endpoint = endpoint_name(call.params["endpoint"])
    items = context.engine.catalog.items
    keys = frozenset(
        item.key for item in items if item.limit is not None and modifier_applies(item, endpoint)
    )
    context.engine.state.reset_limits(keys)
    return Done(done=f"{counted(len(keys), 'limit')} of {endpoint}")


STRATEGY_TEXTS: Final = {
    "none": "never refuses",
    "fixed-window": "a number of requests in each window",
    "sliding-window": "a number of requests in any period as long as a window",
    "token-bucket": "a mean number of requests a window, with bursts",
    "leaky-bucket": "evenly spaced requests, some of which may wait in a queue",
    "after-n": "a total number of requests, then refuses every request",
    "random": "refuses at random",
    "always": "refuses every request",
}


async def list_failure_modes(context: ControlContext, call: ApiCall) -> BaseModel:
    """The values of `error` and `faults`."""
    faults = [
        FaultMode(
            name=name,
            about=inspect.cleandoc(fault.__doc__ or "").partition("\n")[0],
            family=fault.family,
            settings=[_setting(key, field) for key, field in fault.model_fields.items()],
        )
        for name, fault in FAULTS.items()
    ]
    errors = [ErrorStatus(name=name, status=status) for name, status in NAMED.items()]
    return FailureModes(errors=list(NAMED), statuses=errors, faults=faults)


def _setting(name: str, field: FieldInfo) -> FaultSetting:
    default = None if field.default is PydanticUndefined else field.default
    if isinstance(default, BaseModel):
        default = default.model_dump(exclude_none=True)
    return FaultSetting(
        name=field.alias or name,
        about=field.description or "",
        default=to_jsonable_python(default, fallback=str),
        choices=_literals(field.annotation),
    )


def _literals(annotation: object) -> list[str]:
    """Return the values of all Literals in an annotation."""
    inner = get_args(annotation)
    if (
        getattr(annotation, "__origin__", None) is not None
        and inner
        and all(type(value) is str for value in inner)
    ):
        return [str(value) for value in inner]
    return [word for value in inner if type(value) is not str for word in _literals(value)]


async def list_climates(context: ControlContext, call: ApiCall[ClimateQuery]) -> BaseModel:
    """The values of `climate`."""
    endpoint = "" if call.query.endpoint is None else endpoint_name(call.query.endpoint)
    return ClimateList(
        climates=[
            ClimateInfo(
                name=climate.name,
                about=climate.about,
                yaml=to_yaml({"modifiers": modifiers}) if modifiers else "",
            )
            for climate in climates().values()
            for modifiers in [climate.for_endpoint(endpoint, endpoint_match(endpoint))]
        ]
    )


async def list_strategies(context: ControlContext, call: ApiCall) -> BaseModel:
    """The strategies of `limit`."""
    items = context.engine.catalog.items
    return Strategies(
        strategies=[Strategy(name=name, about=STRATEGY_TEXTS[name]) for name in STRATEGIES],
        limits=[item.id for item in items if item.limit is not None],
    )


ROUTES: Final = (
    ApiRoute("GET", "/api/config", show_config, Config),
    ApiRoute("PATCH", "/api/config/global", patch_global, Config, SettingsPatch),
    ApiRoute("GET", "/api/config/endpoints", list_endpoints, EndpointList),
    ApiRoute("PATCH", "/api/config/endpoints/{endpoint}", patch_endpoint, EndpointSettings, SettingsPatch),
    ApiRoute("DELETE", "/api/config/endpoints/{endpoint}", delete_endpoint, EndpointSettings),
    ApiRoute("POST", "/api/config/reset", reset_config, Config),
    ApiRoute("POST", "/api/rate-limit/reset", reset_limits, Done),
    ApiRoute("POST", "/api/rate-limit/reset/{endpoint}", reset_endpoint_limits, Done),
    ApiRoute("GET", "/api/rate-limit/strategies", list_strategies, Strategies),
    ApiRoute("GET", "/api/failure-modes", list_failure_modes, FailureModes),
    ApiRoute("GET", "/api/climates", list_climates, ClimateList, query=ClimateQuery),
)
