"""Mistral's agents: their versions, aliases and lists, and conversations and completions with them."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json
from mockllm.dialects.mistral.agents import agent as agents
from mockllm.dialects.mistral.provider import PROVIDER
from mockllm.dialects.neutral_request import NeutralRequest
from tests.dialects.mistral.conversing import LOOK, Conversing
from tests.language.virtual_server import raw_request

RULES = """
rules:
  - {name: guided, match: {model: mistral-large-latest, system: Guide them., tools: look}, reply: Guided.}
  - {name: second, match: {system: Follow them.}, reply: Followed.}
  - {name: schema, match: {response_format: json}, reply: '{"a": 1}'}
  - {name: named, match: {model: ag_elsewhere}, reply: Known by its id.}
  - name: odd
    match: {api: agents, body: {$.name: odd}}
    http: {body: '{"id": "ag_odd", "version": "x", "tools": 7}'}
  - {name: foreign, match: {api: agents, body: {$.name: foreign}}, http: {body: '{"id": "file-1"}'}}
  - {name: alone, match: {user: long}, reply: one two}
  - {name: forced, match: {tool_choice: any}, reply: Forced.}
  - {reply: Alone.}
"""
GUIDE: dict[str, Json] = {"model": "mistral-large-latest", "instructions": "Guide them.", "tools": LOOK}


def agent_of(conversing: Conversing, **fields: Json) -> Any:
    return conversing.agent(**{**GUIDE, **fields})


def text_of(sent: Any) -> Any:
    return sent["outputs"][0]["content"]


def complete(conversing: Conversing, **fields: Json) -> Any:
    body: Json = {"messages": [{"role": "user", "content": "hi"}], **fields}
    return conversing.respond("agents/completions", body).json


# --- agents --------------------------------------------------------------------------------------


def test_agent_is_created_and_read() -> None:
    conversing = Conversing(RULES)
    created = agent_of(conversing, completion_args={"top_p": 0.5}, description="Knows the town.")
    assert (created["object"], created["version"], created["versions"]) == ("agent", 0, [0])
    assert (created["id"][:3], len(created["id"])) == ("ag_", 35)
    assert (created["completion_args"]["top_p"], created["completion_args"]["tool_choice"]) == (0.5, "auto")
    assert (created["source"], created["deployment_chat"]) == ("api", False)
    assert conversing.get(f"agents/{created['id']}") == created


@pytest.mark.parametrize(
    ("method", "path", "fields", "word"),
    [
        ("POST", "agents", {"name": "x"}, "model"),
        ("POST", "agents", {"model": "x"}, "name"),
        ("POST", "agents", {"model": "x", "name": 3}, "name"),
        ("POST", "agents", {"model": "x", "name": "x", "completion_args": {"stop": 3}}, "stop"),
        ("POST", "agents", [], "object"),
        ("PATCH", "agents/ag_x", {"tools": 3}, "tools"),
        ("PATCH", "agents/ag_x", [], "object"),
        ("PUT", "agents/ag_x/aliases", None, "alias"),
        ("POST", "agents/completions", {"messages": []}, "agent_id"),
        ("POST", "agents/completions", {"messages": [], "agent_id": 3}, "agent_id"),
        ("POST", "agents/completions", {"agent_id": "ag_x"}, "messages"),
        ("POST", "agents/completions", [], "object"),
    ],
)
def test_wrong_request_is_refused(method: str, path: str, fields: Json, word: str) -> None:
    response = Conversing(RULES).respond(path, fields, method)
    assert response.status == 400
    assert word in response.json["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "agents/ag_x"),
        ("GET", "agents/other"),
        ("DELETE", "agents/ag_x"),
        ("PATCH", "agents/ag_x/version"),
        ("GET", "agents/ag_x/versions"),
        ("GET", "agents/ag_x/versions/0"),
        ("GET", "agents/ag_x/aliases"),
        ("DELETE", "agents/ag_x/aliases"),
    ],
)
def test_unknown_agent_is_not_found(method: str, path: str) -> None:
    response = Conversing(RULES).respond(path, method=method)
    assert response.status == 404
    assert "No such agent: " in response.json["message"]


def test_lenient_rule_still_reads_body() -> None:
    conversing = Conversing("validation: lenient\nrules: [{match: {api: agents}, http: {status: 202}}]")
    assert conversing.respond("agents/ag_x", [], "PATCH").status == 400
    assert conversing.respond("agents/ag_x", {"tools": 3}, "PATCH").status == 202


def test_update_makes_a_version() -> None:
    conversing = Conversing(RULES)
    id = agent_of(conversing)["id"]
    changes: Json = {
        "instructions": "Follow them.",
        "completion_args": {"top_p": 0.5},
        "version": 7,
        "name": None,
    }
    changed = conversing.respond(f"agents/{id}", changes, "PATCH", after=1.0).json
    assert (changed["version"], changed["versions"], changed["name"]) == (1, [0, 1], "Guide")
    assert changed["instructions"] == "Follow them."
    assert changed["completion_args"]["tool_choice"] == "auto"
    assert changed["created_at"] < changed["updated_at"]
    assert conversing.get(f"agents/{id}") == changed
    first = conversing.get(f"agents/{id}", "agent_version=0")
    assert (first["instructions"], first["versions"]) == ("Guide them.", [0, 1])
    assert conversing.get(f"agents/{id}/versions/1") == changed
    assert [each["version"] for each in conversing.get(f"agents/{id}/versions")] == [1, 0]
    assert [each["version"] for each in conversing.get(f"agents/{id}/versions", "page=1&page_size=1")] == [0]
    for path in (f"agents/{id}/versions/2", f"agents/{id}/versions/{'9' * 5000}"):
        assert conversing.respond(path, method="GET").json["message"].startswith("No such version: ")


def test_switch_makes_a_version_the_current_one() -> None:
    conversing = Conversing(RULES)
    id = agent_of(conversing)["id"]
    conversing.respond(f"agents/{id}", {"name": "Second"}, "PATCH")
    switched = conversing.respond(f"agents/{id}/version", method="PATCH", query="version=0").json
    assert (switched["version"], switched["versions"]) == (0, [0, 1])
    assert conversing.get(f"agents/{id}")["version"] == 0
    third = conversing.respond(f"agents/{id}", {"name": "Third"}, "PATCH").json
    assert (third["version"], third["versions"]) == (2, [0, 1, 2])
    assert conversing.respond(f"agents/{id}/version", method="PATCH", query="version=9").status == 404
    assert conversing.get(f"agents/{id}")["version"] == 2


def test_alias_names_a_version() -> None:
    conversing = Conversing(RULES)
    id = agent_of(conversing)["id"]
    conversing.respond(f"agents/{id}", {"instructions": "Follow them."}, "PATCH")
    named = conversing.respond(f"agents/{id}/aliases", method="PUT", query="alias=live&version=0").json
    assert (named["alias"], named["version"]) == ("live", 0)
    assert conversing.get(f"agents/{id}", "agent_version=live")["instructions"] == "Guide them."
    moved = conversing.respond(
        f"agents/{id}/aliases", method="PUT", query="alias=live&version=1", after=1
    ).json
    assert moved["created_at"] == named["created_at"] < moved["updated_at"]
    assert conversing.get(f"agents/{id}/aliases") == [moved]
    assert conversing.respond(f"agents/{id}/aliases", method="PUT", query="alias=x&version=9").status == 404
    assert conversing.respond(f"agents/{id}/aliases", method="DELETE", query="alias=x").status == 404
    assert conversing.respond(f"agents/{id}/aliases", method="DELETE", query="alias=live").status == 204
    assert conversing.get(f"agents/{id}/aliases") == []
    assert conversing.respond(f"agents/{id}", method="GET", query="agent_version=live").status == 404


def test_agents_are_listed() -> None:
    conversing = Conversing(RULES)
    first = agent_of(conversing, name="First", metadata={"team": "a"})["id"]
    second = agent_of(conversing, name="Second", description="Knows the TOWN.")["id"]
    for query, ids in {
        "": [second, first],
        "page=1&page_size=1": [first],
        "name=First": [first],
        f"id={second}": [second],
        "search=town": [second],
        f"search={first.upper()}": [first],
        "sources=api": [second, first],
        "sources=playground": [],
        "deployment_chat=false": [second, first],
        "deployment_chat=true": [],
        'metadata={"team":"a"}': [first],
        'metadata={"team":"b"}': [],
        "metadata=x": [second, first],
    }.items():
        assert [each["id"] for each in conversing.get("agents", query)] == ids, query
    page = conversing.get("agents/pages", "page_size=1")
    assert ([each["id"] for each in page["data"]], page["next_page_token"]) == ([second], "1")
    last = conversing.get("agents/pages", "page_size=1&page_token=1")
    assert ([each["id"] for each in last["data"]], last["next_page_token"]) == ([first], None)
    assert conversing.get("agents/pages", "page_size=0")["next_page_token"] is None
    assert conversing.respond(f"agents/{first}", method="DELETE").status == 204
    assert [each["id"] for each in conversing.get("agents")] == [second]


def test_versions_and_aliases_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents, "MAX_VERSIONS", 2)
    monkeypatch.setattr(agents, "MAX_ALIASES", 1)
    conversing = Conversing(RULES)
    id = agent_of(conversing)["id"]
    for name in ("a", "b"):
        changed = conversing.respond(f"agents/{id}", {"name": name}, "PATCH").json
        conversing.respond(f"agents/{id}/aliases", method="PUT", query=f"alias={name}&version=1")
    assert changed["versions"] == conversing.get(f"agents/{id}")["versions"] == [1, 2]
    assert [each["alias"] for each in conversing.get(f"agents/{id}/aliases")] == ["b"]


def test_own_body_of_rule_is_stored_if_it_fits() -> None:
    conversing = Conversing(RULES)
    conversing.agent(name="odd")
    shown = conversing.get("agents/ag_odd")
    assert (shown["version"], shown["tools"], shown["name"]) == (0, [], "odd")
    assert text_of(conversing.start("hi", agent_id="ag_odd")) == "Alone."
    conversing.agent(name="foreign")
    assert len(conversing.get("agents")) == 1


# --- conversations and completions ---------------------------------------------------------------


def test_conversation_has_settings_of_its_agent() -> None:
    conversing = Conversing(RULES)
    id = agent_of(conversing)["id"]
    sent = conversing.start("hi", agent_id=id)
    assert (text_of(sent), sent["outputs"][0]["agent_id"]) == ("Guided.", id)
    assert sent["outputs"][0]["model"] == "mistral-large-latest"
    shown = conversing.get(f"conversations/{sent['conversation_id']}")
    assert (shown["agent_id"], shown["agent_version"], "model" in shown) == (id, None, False)
    events = conversing.stream("hi", agent_id=id, model=None)
    assert events[1]["agent_id"] == id
    conversing.respond(f"agents/{id}", {"instructions": "Follow them."}, "PATCH")
    assert text_of(conversing.append(sent["conversation_id"], "hi")) == "Followed."
    entry = conversing.history(sent["conversation_id"])[0]["id"]
    path = f"conversations/{sent['conversation_id']}/restart"
    again = conversing.respond(path, {"inputs": "hi", "from_entry_id": entry, "agent_version": 0}).json
    assert text_of(again) == "Guided."
    assert conversing.get(f"conversations/{again['conversation_id']}")["agent_version"] == 0
    assert text_of(conversing.append(again["conversation_id"], "hi")) == "Guided."


@pytest.mark.parametrize(("version", "text"), [(0, "Guided."), ("0", "Guided."), ("1", "Followed.")])
def test_conversation_begins_with_a_version(version: Json, text: str) -> None:
    conversing = Conversing(RULES)
    id = agent_of(conversing)["id"]
    conversing.respond(f"agents/{id}", {"instructions": "Follow them."}, "PATCH")
    assert text_of(conversing.start("hi", agent_id=id, agent_version=version)) == text


@pytest.mark.parametrize("version", [77, "x"])
def test_missing_version_is_not_found(version: Json) -> None:
    conversing = Conversing(RULES)
    id = agent_of(conversing)["id"]
    first = conversing.start("hi", agent_id=id)
    body = {"inputs": "hi", "from_entry_id": first["outputs"][0]["id"], "agent_version": version}
    for path, fields in (
        ("conversations", {"inputs": "hi", "agent_id": id, "agent_version": version}),
        (f"conversations/{first['conversation_id']}/restart", body),
    ):
        sent = conversing.respond(path, fields)
        assert (sent.status, sent.json["message"]) == (404, f"No such version: {version}")


def test_agent_without_record_is_known_by_its_id() -> None:
    conversing = Conversing(RULES)
    assert text_of(conversing.start("hi", agent_id="ag_elsewhere", agent_version=7)) == "Known by its id."
    assert text_of(conversing.start("hi", agent_id="ag_elsewhere")) == "Known by its id."
    assert (
        complete(conversing, agent_id="ag_elsewhere")["choices"][0]["message"]["content"]
        == "Known by its id."
    )


def test_completion_has_settings_of_its_agent() -> None:
    conversing = Conversing(RULES)
    id = agent_of(conversing)["id"]
    sent = complete(conversing, agent_id=id)
    assert sent["object"] == "chat.completion"
    assert (sent["model"], sent["choices"][0]["message"]["content"]) == ("mistral-large-latest", "Guided.")
    alone = complete(conversing, agent_id="ag_none")
    assert sent["usage"]["prompt_tokens"] > alone["usage"]["prompt_tokens"]
    streamed = conversing.respond(
        "agents/completions",
        {"agent_id": id, "stream": True, "messages": [{"role": "user", "content": "hi"}]},
    )
    assert streamed.events[-1].data == "[DONE]"


def test_completion_has_arguments_of_its_agent() -> None:
    conversing = Conversing(RULES)
    bounds = conversing.agent(completion_args={"max_tokens": 1, "stop": ["x"]})["id"]
    long: Json = [{"role": "user", "content": "long"}]
    assert complete(conversing, agent_id=bounds, messages=long)["choices"][0]["finish_reason"] == "length"
    own = complete(conversing, agent_id=bounds, messages=long, max_tokens=9)
    assert own["choices"][0]["finish_reason"] == "stop"
    json = conversing.agent(completion_args={"response_format": {"type": "json_object"}})["id"]
    assert complete(conversing, agent_id=json)["choices"][0]["message"]["content"] == '{"a": 1}'
    text = complete(conversing, agent_id=json, response_format={"type": "text"})
    assert text["choices"][0]["message"]["content"] == "Alone."
    forced = conversing.agent(completion_args={"tool_choice": "any"})["id"]
    assert complete(conversing, agent_id=forced)["choices"][0]["message"]["content"] == "Forced."
    free = complete(conversing, agent_id=forced, tools=LOOK, tool_choice="auto")
    assert free["choices"][0]["message"]["content"] == "Alone."


@pytest.mark.parametrize("choice", ["any", "required", {"type": "function", "function": {"name": "look"}}])
def test_completion_may_choose_tools_of_its_agent(choice: Json) -> None:
    conversing = Conversing(RULES)
    chosen = complete(conversing, agent_id=conversing.agent(tools=LOOK)["id"], tool_choice=choice)
    assert chosen["choices"][0]["message"]["content"] == ("Alone." if type(choice) is dict else "Forced.")
    assert complete(conversing, agent_id="ag_elsewhere", tool_choice=choice)["object"] == "chat.completion"
    without = conversing.agent()["id"]
    assert "tool_choice" in complete(conversing, agent_id=without, tool_choice=choice)["message"]
    own = complete(conversing, agent_id=without, tools=LOOK, tool_choice=choice)
    assert own["object"] == "chat.completion"


def test_choice_of_tools_has_its_form() -> None:
    conversing = Conversing(RULES)
    id = conversing.agent(tools=LOOK)["id"]
    for choice in ("all", 7, {"type": "function"}):
        assert complete(conversing, agent_id=id, tool_choice=choice)["object"] == "error", choice


def test_requests_are_built_from_neutral_words() -> None:
    for id, path, named in (
        ("agent_completions", "/mistral/v1/agents/completions", "agent_id"),
        ("conversations", "/mistral/v1/conversations", "model"),
    ):
        dialect: Any = next(call.dialect for call in PROVIDER.calls if call.id == id)
        for stream in (True, None):
            built = dialect.build_request(NeutralRequest(model="ag_elsewhere", user="hi", stream=stream))
            assert (built.path, built.body[named]) == (path, "ag_elsewhere")
            sent = Conversing(RULES).server.respond(raw_request(built.path, built.body))
            assert sent.status == 200
