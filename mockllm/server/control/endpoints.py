"""The endpoints by name (`openai-chat`) or path, and the modifiers that their settings and climates become."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.core.request.request import Request
from mockllm.dialects.route_table import ROUTES
from mockllm.dialects.router import RouteMatch, find_route
from mockllm.scenario.catalog import CatalogItem
from mockllm.scenario.diagnostics import nearest
from mockllm.scenario.pack_resolver import bundled_pack
from mockllm.scenario.yaml_reader import read_source
from mockllm.server.control.problem import Problem

SETTINGS: Final = ("delay", "pace", "headers", "stream", "limit", "load")
ERROR_SETTINGS: Final = ("chance", "error", "faults")
"""Settings that `chance` applies to; they have a modifier apart from `SETTINGS`."""
ROUTE_FIELDS: Final = frozenset({"api", "dialect", "provider", "path", "method", "generates"})
"""Fields of a match that an endpoint determines."""


class Endpoint(NamedTuple):
    """The calls that share a dialect and an api; `paths` contains their methods and paths as text."""

    dialect: str
    api: str
    paths: tuple[str, ...]


def _endpoints() -> Mapping[str, Endpoint]:
    endpoints: dict[str, Endpoint] = {}
    for route in ROUTES:
        known = endpoints.get(route.call.endpoint)
        paths = dict.fromkeys((*(known.paths if known else ()), route.line))
        endpoints[route.call.endpoint] = Endpoint(route.dialect.name, route.dialect.api, tuple(paths))
    return dict(sorted(endpoints.items()))


ENDPOINTS: Final = _endpoints()
"""All endpoints by name."""


def endpoint_name(text: str) -> str:
    """Return the endpoint of a name or path. Raises Problem where there is none."""
    if text in ENDPOINTS:
        return text
    if text.startswith("/"):
        for method in ("POST", "GET"):
            match = find_route(method, text, {}, "")
            if isinstance(match, RouteMatch):
                return match.call.endpoint
    near = nearest(text, ENDPOINTS)
    listed = f"did you mean {near}?" if near else f"the endpoints are {', '.join(ENDPOINTS)}."
    raise Problem(404, f"There is no endpoint {text[:80]}; {listed}")


def merge_patch(target: Mapping[str, Json], patch: Mapping[str, Json]) -> dict[str, Json]:
    """Apply a JSON merge patch (RFC 7396): null removes a key, objects are merged."""
    result = dict(target)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            inner = result.get(key)
            result[key] = merge_patch(inner if isinstance(inner, dict) else {}, value)
        else:
            result[key] = value
    return result


def settings_modifiers(endpoint: str, settings: Mapping[str, Json]) -> Sequence[Json]:
    """Return the modifiers of an endpoint's settings; an empty name means all endpoints."""
    modifiers: list[Json] = []
    match = endpoint_match(endpoint)
    for keys, suffix in ((SETTINGS, ""), (ERROR_SETTINGS, " errors")):
        values = {key: settings[key] for key in keys if key in settings}
        if values and values.keys() != {"chance"}:
            head: dict[str, Json] = {"name": f"settings {endpoint or 'global'}{suffix}"}
            if match:
                head["match"] = match
            modifiers.append({**head, **values})
    if isinstance(climate := settings.get("climate"), str):
        modifiers += climates()[climate].for_endpoint(endpoint, match)
    return modifiers


def endpoint_match(endpoint: str) -> dict[str, Json]:
    """Return a match on the requests of an endpoint; empty for all endpoints."""
    if not endpoint:
        return {}
    return {"dialect": ENDPOINTS[endpoint].dialect, "api": ENDPOINTS[endpoint].api}


def modifier_applies(item: CatalogItem, endpoint: str) -> bool:
    """Return whether a modifier may apply to an endpoint, whatever its other conditions are."""
    dialect, api, paths = ENDPOINTS[endpoint]
    method, _, path = paths[0].partition(" ")
    kind = type("EndpointRequest", (Request,), {"dialect": dialect, "api": api, "generates": True})
    request = kind(method=method, path=path, headers={}, provider=dialect)
    return all(line.matched for line in item.matcher.test_results(request) if line.field in ROUTE_FIELDS)


PACK: Final = "weather"
CALM: Final = "calm"
"""The climate that changes nothing."""
_HEADING: Final = re.compile(r"^ *# --- ([\w-]+): (.+?) -+$", re.MULTILINE)
"""The comment above the modifiers of a climate in the pack's file."""


class Climate(Struct, frozen=True):
    """A climate. `modifiers` are those of the pack, without the condition on the parameter."""

    name: str
    about: str
    modifiers: Sequence[Mapping[str, Json]]

    def for_endpoint(self, endpoint: str, match: Mapping[str, Json]) -> list[Json]:
        """Return the modifiers with the endpoint's name and match."""
        prefix = f"settings {endpoint or 'global'} {self.name}"
        head: Mapping[str, Json] = {"match": dict(match)} if match else {}
        return [
            {
                "name": f"{prefix} {modifier['name']}",
                **head,
                **{key: value for key, value in modifier.items() if key != "name"},
            }
            for modifier in self.modifiers
        ]


@cache
def climates() -> Mapping[str, Climate]:
    """Return all climates by name; none if the pack is not installed."""
    folder = bundled_pack(PACK)
    if folder is None:
        return {}
    pack: Json = read_source((folder / "pack.yaml").read_bytes(), "pack.yaml").data
    raw = b"".join(path.read_bytes() for path in sorted(folder.glob("*.yaml")) if path.name != "pack.yaml")
    for param, spec in pack["params"].items():
        raw = raw.replace(f'"${{{param}}}"'.encode(), str(spec["default"]).encode())
    data: Json = read_source(raw, PACK).data
    about = {CALM: "everything as it is", **dict(_HEADING.findall(raw.decode()))}
    result = {}
    for name in pack["params"]["climate"]["type"]:
        items = [item for item in data["modifiers"] if item.get("enabled") == {"climate": name}]
        modifiers = [{key: item[key] for key in item if key != "enabled"} for item in items]
        result[name] = Climate(name, about.get(name, ""), modifiers)
    return result
