"""The calls on agents: POST, GET, PATCH and DELETE /v1/agents/…, with their versions and aliases.

From the types of the `mistralai` package (3.7: `CreateAgentRequest`, `UpdateAgentRequest`, `Agent`, `AgentListPage`,
`AgentAliasResponse`) and its `BetaAgents`. There is no recording. Inferred are all messages, the order of lists, and
the form of a page's token.
"""

from __future__ import annotations

from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import whole_number
from mockllm.core.randomness import HEX
from mockllm.core.rendering.placeholders import map_placeholder
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.mistral.agents.agent import (
    PREFIX,
    agent_at,
    agent_object,
    aliases,
    changed_agent,
    current,
    format_time,
    new_agent,
    versions,
    with_aliases,
    with_version,
)
from mockllm.dialects.mistral.agents.arguments import check_arguments
from mockllm.dialects.mistral.stored_calls import (
    OWN,
    MistralStoredCall,
    deletion,
    has_metadata,
    paged,
    wanted,
    wanted_values,
)
from mockllm.dialects.openai.calls import OpenAiCall, OpenAiObjectCall
from mockllm.dialects.openai.request_fields import ModelRequest
from mockllm.dialects.openai.validators import (
    Check,
    array,
    boolean,
    check_fields,
    check_readable,
    check_required,
    object_,
    string,
)
from mockllm.dialects.stored_objects import ObjectRequest, completed, created_object

PAGE_SIZE: Final = 20
"""SDK: `AgentsAPIV1AgentsListRequest.page_size`."""
FIELDS: Final[dict[str, Check]] = {
    "model": string,
    "name": string,
    "instructions": string,
    "tools": array(object_, "objects"),
    "completion_args": check_arguments,
    "guardrails": array(object_, "objects"),
    "description": string,
    "handoffs": array(string, "strings"),
    "metadata": object_,
    "version_message": string,
}
CHANGES: Final[dict[str, Check]] = {**FIELDS, "deployment_chat": boolean}


class CreateAgentRequest(ModelRequest):
    api = "agents"
    documented_fields = frozenset(FIELDS)
    documents_vendor_fields = True


class CreateAgent(MistralStoredCall, OpenAiCall):
    """POST /v1/agents."""

    api = "agents"
    request_class = CreateAgentRequest

    def check(self, request: Request) -> Failure | None:
        failure = check_readable(request) or check_required(request.fields, "model", "name")
        return failure or check_fields(request.fields, FIELDS)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        id = identity.ids.make(PREFIX, 32, "agent", HEX)
        time = map_placeholder(format_time, identity.now)
        return self.json_plan(agent_object(id, request.fields, time), identity)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        shown = created_object(plan, PREFIX)
        if shown is None:
            return None
        own = agent_object(shown["id"], request.fields, format_time(request.now))
        stored = new_agent({**completed(shown, own), "version": 0})
        return StorageUpdate((stored.id,), stored)


class AgentRequest(ObjectRequest):
    """A request whose path names an agent."""

    dialect = "openai"
    api = "agents"
    path_variable = "agent"
    id_prefix = OWN + PREFIX

    @cached_property
    def object_id(self) -> str:
        return OWN + self.path_variables.get("agent", "")


class ChangeAgentRequest(AgentRequest):
    documented_fields = frozenset(CHANGES)
    documents_vendor_fields = True


class AgentCall(MistralStoredCall, OpenAiObjectCall):
    """The base of the calls on one agent."""

    api = "agents"
    request_class: type[Request] = AgentRequest
    object_name = "agent"
    missing_message = "No such agent: {}"


def missing_version(version: str) -> Failure:
    """Return the failure of a version that an agent does not have."""
    return Failure("not_found", message=f"No such version: {version}")


class GetAgent(AgentCall):
    """GET /v1/agents/{id}, also in the version of the query."""

    def version(self, request: Request) -> str | None:
        """Return the number or the alias of the requested version; None for the current one."""
        return request.query.get("agent_version")

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        version = self.version(request)
        agent = agent_at(stored, version)
        return missing_version(version or "") if agent is None else self.json_plan(agent, identity)


class GetAgentVersion(GetAgent):
    """GET /v1/agents/{id}/versions/{version}."""

    def version(self, request: Request) -> str | None:
        return request.path_variables.get("version", "")


class SwitchAgentVersion(GetAgent):
    """PATCH /v1/agents/{id}/version: makes a version the current one."""

    def version(self, request: Request) -> str | None:
        return request.query.get("version", "")

    def changed(self, stored: StoredObject, request: Request) -> StoredObject | None:
        agent = agent_at(stored, self.version(request))
        return None if agent is None else with_version(stored, agent)


class UpdateAgent(AgentCall):
    """PATCH /v1/agents/{id}: a new version with changed fields."""

    request_class = ChangeAgentRequest

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request)

    def check(self, request: Request) -> Failure | None:
        return check_readable(request) or check_fields(request.fields, CHANGES)

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        time = map_placeholder(format_time, identity.now)
        return self.json_plan(changed_agent(stored, request.fields, time), identity)

    def changed(self, stored: StoredObject, request: Request) -> StoredObject | None:
        return with_version(stored, changed_agent(stored, request.fields, format_time(request.now)))


class DeleteAgent(AgentCall):
    """DELETE /v1/agents/{id}."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return self.empty_plan(identity)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        return deletion(plan, request)


class ListAgentVersions(AgentCall):
    """GET /v1/agents/{id}/versions: the newest first."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return self.json_plan(list(paged(versions(stored)[::-1], request.query, PAGE_SIZE)), identity)


class ListAgentAliases(AgentCall):
    """GET /v1/agents/{id}/aliases."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return self.json_plan(aliases(stored), identity)


class SetAgentAlias(AgentCall):
    """PUT /v1/agents/{id}/aliases: names a version; a name that another version has is moved."""

    def check(self, request: Request) -> Failure | None:
        return check_required(request.query, "alias", "version")

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        version = request.query.get("version", "")
        if agent_at(stored, version) is None:
            return missing_version(version)
        return self.json_plan(_alias(stored, request, map_placeholder(format_time, identity.now)), identity)

    def changed(self, stored: StoredObject, request: Request) -> StoredObject | None:
        alias = _alias(stored, request, format_time(request.now))
        others = [each for each in aliases(stored) if each["alias"] != alias["alias"]]
        return with_aliases(stored, [*others, alias])


def _alias(stored: StoredObject, request: Request, time: str) -> dict[str, Json]:
    """Return the alias that a request sets."""
    name = request.query.get("alias", "")
    before = next((each for each in aliases(stored) if each["alias"] == name), None)
    agent = agent_at(stored, request.query.get("version", ""))
    return {
        "alias": name,
        "version": None if agent is None else agent["version"],
        "created_at": time if before is None else before["created_at"],
        "updated_at": time,
    }


class DeleteAgentAlias(AgentCall):
    """DELETE /v1/agents/{id}/aliases: removes the name of a version."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        name = request.query.get("alias", "")
        if all(each["alias"] != name for each in aliases(stored)):
            return Failure("not_found", message=f"No such alias: {name}")
        return self.empty_plan(identity)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        if deletion(plan, request) is None:
            return None
        assert isinstance(request, AgentRequest)
        assert request.stored is not None
        left = [each for each in aliases(request.stored) if each["alias"] != request.query.get("alias")]
        changed = with_aliases(request.stored, left)
        return StorageUpdate((changed.id,), changed)


class ListAgents(AgentCall):
    """GET /v1/agents: the newest first, in pages."""

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return self.json_plan(list(paged(_found(request), request.query, PAGE_SIZE)), identity)


class ListAgentPages(AgentCall):
    """GET /v1/agents/pages: the same, with the token of the next page."""

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        found, query = _found(request), request.query
        start = whole_number(query.get("page_token"), 0)
        end = start + whole_number(query.get("page_size"), PAGE_SIZE)
        token = str(end) if start < end < len(found) else None
        return self.json_plan(
            {"object": "list", "data": found[start:end], "next_page_token": token}, identity
        )


def _found(request: Request) -> list[dict[str, Json]]:
    """Return the agents that the query requests, the newest first."""
    query, values = request.query, wanted_values(request, "id", "name")
    sources, search = wanted_values(request, "sources").get("sources"), query.get("search", "").lower()
    deployed = query.get("deployment_chat")
    result = []
    for stored in reversed(request.object_lookup.all_stored(OWN + PREFIX)):
        agent = current(stored)
        if (
            wanted(agent, values)
            and (not sources or agent["source"] in sources)
            and (deployed is None or dumps(agent["deployment_chat"]).decode() == deployed)
            and search in f"{agent['id']} {agent['name']} {agent['description']}".lower()
            and has_metadata(agent, query)
        ):
            result.append(agent)
    return result
