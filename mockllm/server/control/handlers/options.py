"""Handlers that list the possible values of settings: errors, faults, climates and limit strategies."""

from __future__ import annotations

import inspect
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from mockllm.core.failure import NAMED
from mockllm.core.faults import FAMILIES, FAULTS
from mockllm.core.limits.limit import STRATEGIES
from mockllm.scenario.overlay import to_yaml
from mockllm.server.control.api_types import ApiCall, ApiRoute
from mockllm.server.control.context import ControlContext
from mockllm.server.control.endpoints import climates, endpoint_match, endpoint_name
from mockllm.server.control.models.settings import (
    ClimateInfo,
    ClimateList,
    ClimateQuery,
    FailureModes,
    FaultMode,
    FaultSetting,
    Strategies,
    Strategy,
)

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
    families = {module.__name__: module.__name__.rpartition(".")[2] for module in FAMILIES}
    faults = [
        FaultMode(
            name=name,
            about=inspect.cleandoc(fault.__doc__ or "").partition("\n")[0],
            family=families[fault.__module__],
            settings=[_setting(key, field) for key, field in fault.model_fields.items()],
        )
        for name, fault in FAULTS.items()
    ]
    return FailureModes(errors=list(NAMED), faults=faults)


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


def _literals(annotation: Any) -> list[str]:
    """Return the values of all Literals in an annotation."""
    inner = get_args(annotation)
    if (
        getattr(annotation, "__origin__", None) is not None
        and inner
        and all(type(value) is str for value in inner)
    ):
        return [str(value) for value in inner]
    return [word for value in inner if type(value) is not str for word in _literals(value)]


async def list_climates(context: ControlContext, call: ApiCall) -> BaseModel:
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
    items = context.engine.catalog.items
    return Strategies(
        strategies=[Strategy(name=name, about=STRATEGY_TEXTS[name]) for name in STRATEGIES],
        limits=[item.id for item in items if item.limit is not None],
    )


ROUTES: Final = (
    ApiRoute("GET", "/api/rate-limit/strategies", list_strategies, "The strategies of `limit`", Strategies),
    ApiRoute(
        "GET", "/api/failure-modes", list_failure_modes, "The values of `error` and `faults`", FailureModes
    ),
    ApiRoute(
        "GET", "/api/climates", list_climates, "The values of `climate`", ClimateList, query=ClimateQuery
    ),
)
