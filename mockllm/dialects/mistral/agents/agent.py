"""An agent as the state stores it: the object of each version, and the aliases of versions.

From the types of the `mistralai` package (3.7: `Agent`, `AgentAliasResponse`), and the agents on the pages of
Mistral's documentation. The bound of versions is this server's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import MAX_DIGITS, object_of, objects, read_object, text_of
from mockllm.core.request.request import Tool
from mockllm.core.request.stored_objects import ObjectLookup, StoredObject
from mockllm.dialects.mistral.stored_calls import OWN
from mockllm.dialects.openai.request_fields import read_tool

PREFIX: Final = "ag_"
MAX_VERSIONS: Final = 100
"""The most versions of an agent; the oldest go."""
MAX_ALIASES: Final = 100
"""The most aliases of an agent; the oldest go."""
SETTINGS: Final = ("model", "instructions", "tools", "completion_args")
"""The members of an agent, of a conversation and of its first request that decide how a model responds."""
CHANGEABLE: Final = (
    *SETTINGS,
    "name",
    "description",
    "handoffs",
    "guardrails",
    "metadata",
    "deployment_chat",
    "version_message",
)
"""The members that a client changes (SDK: `UpdateAgentRequest`)."""
DEFAULT_ARGUMENTS: Final[Mapping[str, Json]] = {
    "stop": None,
    "presence_penalty": None,
    "frequency_penalty": None,
    "temperature": 0.3,
    "top_p": None,
    "max_tokens": None,
    "random_seed": None,
    "prediction": None,
    "response_format": None,
    "tool_choice": "auto",
}


@lru_cache(maxsize=64)  # the objects of a response share it
def format_time(time: float) -> str:
    """Return a time as the objects of agents and conversations have it."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def agent_object(id: str, fields: Mapping[str, Json], time: str) -> dict[str, Json]:
    """Return the object of a new agent, in its first version."""
    written = {name: value for name, value in fields.items() if value is not None}
    return {
        "object": "agent",
        "id": id,
        "model": written.get("model"),
        "name": written.get("name"),
        "description": written.get("description"),
        "instructions": written.get("instructions"),
        "tools": written.get("tools", []),
        "completion_args": {**DEFAULT_ARGUMENTS, **object_of(written.get("completion_args"))},
        "handoffs": written.get("handoffs"),
        "guardrails": written.get("guardrails"),
        "metadata": written.get("metadata"),
        "version": 0,
        "versions": [0],
        "created_at": time,
        "updated_at": time,
        "deployment_chat": False,
        "source": "api",
        "owner_id": None,
        "version_message": written.get("version_message"),
    }


def new_agent(agent: dict[str, Json]) -> StoredObject:
    """Return an agent in its first version as it is stored."""
    record = {"versions": [agent], "aliases": []}
    return StoredObject(OWN + agent["id"], None, dumps(record), dumps(agent))


def current(stored: StoredObject) -> dict[str, Json]:
    """Return the object of an agent's current version."""
    return {**read_object(stored.response_body), "versions": [each["version"] for each in versions(stored)]}


def versions(stored: StoredObject) -> list[dict[str, Json]]:
    """Return the objects of all versions, the oldest first."""
    return list(objects(read_object(stored.request_body).get("versions")))


def aliases(stored: StoredObject) -> list[dict[str, Json]]:
    """Return the aliases of versions, the oldest first."""
    return list(objects(read_object(stored.request_body).get("aliases")))


def with_aliases(stored: StoredObject, named: list[dict[str, Json]]) -> StoredObject:
    """Return the agent with these aliases."""
    record = {"versions": versions(stored), "aliases": named[-MAX_ALIASES:]}
    return stored._replace(request_body=dumps(record))


def with_version(stored: StoredObject, agent: dict[str, Json]) -> StoredObject:
    """Return the agent with an object as its current version, which may be a new one."""
    others = [each for each in versions(stored) if each["version"] != agent["version"]]
    kept = sorted([*others, agent], key=lambda each: each["version"])[-MAX_VERSIONS:]
    record = {"versions": kept, "aliases": aliases(stored)}
    return stored._replace(request_body=dumps(record), response_body=dumps(agent))


def changed_agent(stored: StoredObject, fields: Mapping[str, Json], time: str) -> dict[str, Json]:
    """Return the object of a new version, which changes these fields."""
    before = current(stored)
    written = {name: fields[name] for name in CHANGEABLE if fields.get(name) is not None}
    if "completion_args" in written:
        written["completion_args"] = {**DEFAULT_ARGUMENTS, **object_of(written["completion_args"])}
    number = max(before["versions"]) + 1
    known = [*before["versions"], number][-MAX_VERSIONS:]
    return {**before, **written, "version": number, "versions": known, "updated_at": time}


def agent_at(stored: StoredObject, version: Json) -> dict[str, Json] | None:
    """Return the object of a version by its number or an alias; None where the agent has no such version."""
    known = current(stored)
    if version is None:
        return known
    name = str(version) if type(version) is int else text_of(version) or ""
    named = next((each["version"] for each in aliases(stored) if each["alias"] == name), None)
    number = int(name) if name.isdecimal() and len(name) <= MAX_DIGITS else named
    found = next((each for each in versions(stored) if each["version"] == number), None)
    return None if found is None else {**found, "versions": known["versions"]}


def stored_agent(id: Json, lookup: ObjectLookup) -> StoredObject | None:
    """Return the agent of an id."""
    return lookup.stored(OWN + id) if type(id) is str and id.startswith(PREFIX) else None


def agent_settings(id: Json, version: Json, lookup: ObjectLookup) -> dict[str, Json]:
    """Return the settings of an agent that this server has; nothing for any other."""
    stored = stored_agent(id, lookup)
    agent = None if stored is None else agent_at(stored, version)
    return {} if agent is None else {name: agent[name] for name in SETTINGS if agent.get(name) is not None}


def merged_settings(*settings: Mapping[str, Json]) -> dict[str, Json]:
    """Return settings of which the later ones count. The arguments of the completion are merged."""
    result: dict[str, Json] = {}
    arguments: dict[str, Json] = {}
    for each in settings:
        result |= {name: each[name] for name in SETTINGS if each.get(name) is not None}
        written = object_of(each.get("completion_args"))
        arguments |= {name: value for name, value in written.items() if value is not None}
    return {**result, "completion_args": arguments}


def read_tools(settings: Mapping[str, Json]) -> Iterator[Tool]:
    """Yield the tools of settings: functions by name, any other by its type."""
    for entry in objects(settings.get("tools")):
        kind = text_of(entry.get("type")) or "function"
        tool = Tool(kind, kind=kind) if kind != "function" else read_tool(object_of(entry.get("function")))
        if tool is not None:
            yield tool
