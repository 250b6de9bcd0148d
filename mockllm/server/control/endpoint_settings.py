"""Settings for all endpoints or one: a dashboard's controls, and the modifiers that they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mockllm.core.json.codec import Json
from mockllm.core.request.request import Request
from mockllm.scenario.catalog import CatalogItem
from mockllm.server.control.climate_presets import climates
from mockllm.server.control.endpoints import ENDPOINTS

PLAIN: Final = ("delay", "pace", "headers", "stream", "limit", "load")
GOING_WRONG: Final = ("chance", "error", "faults")
"""Those that `chance` is the chance of; they stand in a modifier of their own."""
KINDS: Final = frozenset({"api", "dialect", "provider", "path", "method", "generates"})
"""What a match asks of which call it is."""


def merged(held: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON merge patch (RFC 7396): null takes away, objects are merged."""
    found = dict(held)
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, dict):
            own = found.get(key)
            found[key] = merged(own if isinstance(own, dict) else {}, value)
        else:
            found[key] = value
    return found


def modifiers(endpoint: str, settings: Mapping[str, Json]) -> Sequence[Json]:
    """What the settings of an endpoint (an empty text is all) stand for."""
    found: list[Json] = []
    match = match_of(endpoint)
    for words, more in ((PLAIN, ""), (GOING_WRONG, " errors")):
        own = {word: settings[word] for word in words if word in settings}
        if own and own.keys() != {"chance"}:
            head: dict[str, Json] = {"name": f"settings {endpoint or 'global'}{more}"}
            if match:
                head["match"] = match
            found.append({**head, **own})
    if isinstance(climate := settings.get("climate"), str):
        found += climates()[climate].on(endpoint, match)
    return found


def match_of(endpoint: str) -> dict[str, Json]:
    """What asks for the calls of an endpoint; nothing for all."""
    if not endpoint:
        return {}
    return {"dialect": ENDPOINTS[endpoint].dialect, "api": ENDPOINTS[endpoint].api}


def sees(item: CatalogItem, endpoint: str) -> bool:
    """Whether a modifier may apply to calls of an endpoint, whatever else it asks of them."""
    dialect, api, paths = ENDPOINTS[endpoint]
    method, _, path = paths[0].partition(" ")
    kind = type("Asked", (Request,), {"dialect": dialect, "api": api, "generates": True})
    request = kind(method=method, path=path, headers={}, provider=dialect)
    return all(each.matched for each in item.matcher.differences(request) if each.field in KINDS)
