"""Calls of the control API that tell what there is to choose from, what was chosen, and what might be written."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from mockllm.core.failure import NAMED
from mockllm.core.faults import FAMILIES, FAULTS
from mockllm.core.json.codec import Json
from mockllm.core.redaction import redact_text
from mockllm.core.request.request import Request
from mockllm.scenario.overlay import Overlay, as_yaml
from mockllm.server.control.api_types import ApiCall
from mockllm.server.control.climate_presets import climates
from mockllm.server.control.endpoint_settings import match_of
from mockllm.server.control.endpoints import named
from mockllm.server.control.handlers import journal
from mockllm.server.control.journal_queries import read_again
from mockllm.server.control.models import option_lists
from mockllm.server.control.problem import Problem
from mockllm.server.overlay_store import Settings

if TYPE_CHECKING:
    from mockllm.server.control.control import ControlApi

LONGEST: Final = 120
"""Characters of what was said that a suggested rule asks for."""
GLOB: Final = frozenset("*?[")
PLACEHOLDER: Final = "Write the answer here."


async def list_failure_modes(control: ControlApi, call: ApiCall) -> BaseModel:
    family = {name: module.__name__.rpartition(".")[2] for module in FAMILIES for name in _faults_of(module)}
    faults = [
        option_lists.FaultMode(
            name=name,
            about=inspect.cleandoc(fault.__doc__ or "").partition("\n")[0],
            family=family[name],
            settings=[_setting(each, field) for each, field in fault.model_fields.items()],
        )
        for name, fault in FAULTS.items()
    ]
    return option_lists.FailureModes(errors=list(NAMED), faults=faults)


def _faults_of(module: Any) -> list[str]:
    return [name for name, fault in FAULTS.items() if fault.__module__ == module.__name__]


def _setting(name: str, field: FieldInfo) -> option_lists.FaultSetting:
    default = None if field.default is PydanticUndefined else field.default
    if isinstance(default, BaseModel):
        default = default.model_dump(exclude_none=True)
    return option_lists.FaultSetting(
        name=field.alias or name,
        about=field.description or "",
        default=to_jsonable_python(default, fallback=str),
        choices=_words(field.annotation),
    )


def _words(annotation: Any) -> list[str]:
    """The words of a Literal, wherever in the annotation it stands."""
    inner = get_args(annotation)
    if (
        getattr(annotation, "__origin__", None) is not None
        and inner
        and all(type(each) is str for each in inner)
    ):
        return [str(each) for each in inner]
    return [word for each in inner if type(each) is not str for word in _words(each)]


async def list_climates(control: ControlApi, call: ApiCall) -> BaseModel:
    endpoint = "" if call.query.endpoint is None else named(call.query.endpoint)
    return option_lists.ClimateList(
        climates=[
            option_lists.ClimateInfo(
                name=each.name, about=each.about, yaml=_yaml("modifiers", on) if on else ""
            )
            for each in climates().values()
            for on in [each.on(endpoint, match_of(endpoint))]
        ]
    )


async def show_items(control: ControlApi, call: ApiCall) -> BaseModel:
    if control.overlays is None:
        raise Problem(501, "This server has no overlay.")
    # A large one takes long to be written, and streams go on meanwhile.
    return await asyncio.to_thread(_items, control.overlays.of(None), dict(control.overlays.settings))


def _items(whole: Overlay, settings: Settings) -> option_lists.OverlayItems:
    found = []
    for endpoint, own in settings.items():
        found += [_item("modifier", each, (endpoint,)) for each in own]
    known = {each.name for each in found}
    for kind, listed in (("rule", whole.rules), ("modifier", whole.modifiers)):
        plain = [_item(kind, each) for each in listed]
        found += [each for each in plain if each.name not in known]
    return option_lists.OverlayItems(items=found)


def _item(kind: Any, item: Any, settings_of: tuple[str, ...] = ()) -> option_lists.OverlayItem:
    return option_lists.OverlayItem(
        name=item["name"],
        kind=kind,
        from_settings=bool(settings_of),
        endpoint=next(iter(settings_of), None) or None,
        yaml=_yaml(f"{kind}s", [item]),
    )


def _yaml(kind: str, items: list[Json]) -> str:
    return as_yaml({kind: items})


async def suggest_rule(control: ControlApi, call: ApiCall) -> BaseModel:
    kept = journal.kept_of(control, call.params["id"])
    request = read_again(kept, control.engine)
    rule: dict[str, Json] = {"name": f"like-request-{kept.number}", "match": _match(request)}
    if request.generates:
        rule["reply"] = PLACEHOLDER
    else:
        rule["http"] = {"status": 200, "body": PLACEHOLDER}
    return option_lists.SuggestedRule(yaml=redact_text(Overlay(rules=(rule,)).text))


def _match(request: Request) -> dict[str, Json]:
    """What tells requests like this one: the model, what was said last, and the tool whose result it brings."""
    if not request.generates:
        return {"method": request.method, "path": request.path}
    found: dict[str, Json] = {}
    if request.model is not None:
        found["model"] = {"equals": request.model} if GLOB & {*request.model} else request.model
    results = request.tool_results
    user = request.user
    if results:
        found["tool_result"] = {"name": results[-1].name} if results[-1].name else {"exists": True}
    elif user and len(user) <= LONGEST:
        found["user"] = user
    elif user:
        found["user"] = {"starts_with": user[:LONGEST]}
    return found
